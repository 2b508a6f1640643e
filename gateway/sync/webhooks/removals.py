"""A mass disappearance stops by itself: if too many customers are gone at once, they are held.

The cause does not matter: an emptied shop, a token that sees nothing, answers with empty lists.
First all customers of a batch or a pass who are not in Shopify are noted, and judged together,
before the first of them is removed. Erasures that Shopify orders (redactions) are counted apart
from customers who are merely gone. The counts are in the database, so a restart begins no new
count.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from gateway.alerts import notices
from gateway.delivery import Runtime
from gateway.store import Engine, events, removals
from gateway.store.events import Event, NewEvent
from gateway.store.removals import Cause, Removal
from gateway.sync.webhooks.verification import DELETED, REDACT

__all__ = ["Removals"]

_TOPICS: dict[Cause, str] = {"gone": DELETED, "redact": REDACT, "exists": REDACT}


class Removals:
    """Administrators are told what is held."""

    def __init__(self, db: Engine, runtime: Runtime) -> None:
        self._db = db
        self._runtime = runtime
        self._announced = 0

    async def read(
        self, asked: Iterable[int], found: Collection[int], said: Collection[int] = ()
    ) -> set[int]:
        """Of those just `asked` for in Shopify, those who are not `found` and must not be removed.

        `said`: those of whom Shopify itself says that they were deleted.
        """
        ids, now = list(asked), self._runtime.clock()
        missing = [each for each in ids if each not in found]
        if not missing and not await self._db.read(removals.are_some):
            return set()

        def unit(db: sqlite3.Connection) -> tuple[int, set[int]]:
            removals.back(db, (each for each in ids if each in found))
            going = [each for each in missing if not events.is_being_merged(db, each)]
            removals.notice(db, going, "gone", now, said=said)
            return removals.judge(db, "gone", now), removals.kept(db, missing)

        newly, kept = await self._db.write(unit)
        await self._tell(newly)
        return kept

    async def ordered(self, found: Sequence[Event]) -> set[int]:
        """Of the customers whom these events order to erase, those who must wait."""
        ids = [event.customer_id or 0 for event in found if event.topic == REDACT]
        if not ids:
            return set()
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> tuple[int, set[int]]:
            removals.notice(db, ids, "redact", now, said=ids)
            return removals.judge(db, "redact", now), removals.kept(db, ids)

        newly, kept = await self._db.write(unit)
        await self._tell(newly)
        return kept

    async def doubted(self, customer_id: int) -> bool:
        """Whether an order to erase somebody must wait for a person, because Shopify still has them
        (or does not let us look): a signed order can be sent again by somebody else.
        """

        def unit(db: sqlite3.Connection) -> bool:
            return removals.hold(db, customer_id, self._runtime.clock())

        if await self._db.write(unit):
            self._runtime.listener.notice(notices.cannot_believe_erasure(customer_id))
            return True
        return False

    # -- of a pass

    async def noticed(self, asked: Iterable[int], found: Collection[int]) -> None:
        """A step of a pass: judged at its end, or at the end of the next pass if this one is
        killed.
        """
        ids, now = list(asked), self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            removals.back(db, (each for each in ids if each in found))
            removals.notice(db, (each for each in ids if each not in found), "gone", now)

        if any(each not in found for each in ids) or await self._db.read(removals.are_some):
            await self._db.write(unit)

    async def passed(self, looked: int) -> list[NewEvent]:
        """The end of a pass over so many customers: returns whom to handle as deleted."""
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> tuple[int, list[Removal]]:
            newly = removals.judge(db, "gone", now, looked)
            return newly, removals.find(db, "noticed")

        newly, left = await self._db.write(unit)
        await self._tell(newly)
        gone = (each for each in left if each.cause == "gone")
        return [
            NewEvent(
                f"shopify:missing {each.customer_id} {each.noticed_at:.0f}",
                "shopify",
                DELETED,
                each.customer_id,
            )
            for each in gone
        ]

    # -- a person

    async def confirm(self, ids: Collection[int] = ()) -> int:
        """A person confirms that they are gone (all, or those named): looked up once more, then
        removed.
        """
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> int:
            chosen = _chosen(db, ids)
            for each in chosen:
                removals.decide(db, each, "confirmed", now)
                event_id = f"shopify:confirmed {each.customer_id} {now:.3f}"
                topic = _TOPICS[each.cause]
                events.add(db, NewEvent(event_id, "shopify", topic, each.customer_id), now)
            return len(chosen)

        return await self._db.write(unit)

    async def drop(self, ids: Collection[int] = ()) -> int:
        """Their records stay. A customer seen in Shopify again is one like any other."""
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> int:
            chosen = _chosen(db, ids)
            for each in chosen:
                removals.decide(db, each, "dropped", now)
            return len(chosen)

        return await self._db.write(unit)

    async def _tell(self, newly: int) -> None:
        """Tells administrators: at once, and again when the number of those held has doubled."""
        if not newly:
            return
        held = await self._db.read(removals.held)
        if self._announced <= held < 2 * self._announced:
            return
        self._announced = held
        self._runtime.listener.notice(notices.too_many_gone(held))


def _chosen(db: sqlite3.Connection, ids: Collection[int]) -> list[Removal]:
    held = removals.find(db, "held")
    return [each for each in held if not ids or each.customer_id in ids]
