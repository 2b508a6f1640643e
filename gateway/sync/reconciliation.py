"""Webhooks get lost: a pass over what both systems changed since the last one, every hour.

    Shopify    customers by the time of their change, handled as by their webhooks
    the links  a slice of the customers who have a record, in turn: a deletion may have been lost
    Smaregi    members changed since the last pass, if the till's changes count

What a pass finds is done at once, or stored like a webhook. With each page it writes down how far
it has come, by the sources' own time stamps, so that a killed pass continues there. Each pass looks
back a little further, since Shopify's search lags: a change may show up after a later one.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway import frozen
from gateway.customer import Customer
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Link
from gateway.shopify import Shopify
from gateway.store import Engine, links
from gateway.store.members import get_meta, set_meta
from gateway.sync.webhooks import NewEvent, Removals
from gateway.sync.webhooks.verification import UPDATED
from gateway.sync.webhooks.worker import LaterError
from gateway.wire import Lane, lane

__all__ = ["PassCounts", "Reconciliation", "ReconciliationParts"]

log = logging.getLogger(__name__)

FIRST_AFTER = 180.0
EVERY = 3600.0
AGAIN_AFTER = 300.0
"""Seconds until a failed pass continues."""
OVERLAP = 600.0
"""Seconds that a pass looks back behind the newest change it has seen."""
LONGEST = 29 * 86400.0
"""Smaregi lists changes of the last 31 days at most; after a longer gap all members are read."""
LINKS_A_PASS = 1000
_LINKS_A_STEP = 50
_FULL_PAGE = 1000
_AREA = "reconciliation"


class CustomerLook(Protocol):
    """Handles a webhook about a customer."""

    async def look(self, customer: Customer) -> int: ...


class PosFollower(Protocol):
    @property
    def is_wanted(self) -> bool: ...

    async def linked(self, member_ids: Sequence[int]) -> list[Link]: ...

    def is_news(self, link: Link, row: Any) -> bool: ...


class ChangedMembers(Protocol):
    async def changed_page(self, from_id: int, updated_from: str | None) -> list[Any]: ...


@frozen
class ReconciliationParts:
    """`keep_event` stores an event like a webhook's."""

    db: Engine
    shopify: Shopify
    customers: CustomerLook
    members: ChangedMembers
    till: PosFollower
    removals: Removals
    keep_event: Callable[[NewEvent], Awaitable[bool]]


@dataclass(slots=True)
class PassCounts:
    """What a pass looked at, and what it corrected: deliveries opened, and events stored."""

    customers: int = 0
    deliveries: int = 0
    later: int = 0
    members: int = 0
    till: int = 0
    gone: int = 0


class Reconciliation:
    """A pass begins every hour, and once `wanted` is set."""

    def __init__(self, parts: ReconciliationParts, wanted: asyncio.Event, runtime: Runtime) -> None:
        self._parts = parts
        self._wanted = wanted
        self._runtime = runtime
        self.ended_at: float | None = None  # of the last whole pass since the start

    async def start(self) -> None:
        with suppress(StorageError):
            await self.begin()
        self._runtime.background.go_round(
            self._pass, "the reconciliation", self._wanted, first=FIRST_AFTER
        )

    async def _pass(self) -> float:
        """Seconds until the next."""
        lane.set(Lane.BACKLOG)
        try:
            await self.once()
        except UpstreamError as error:
            log.warning("the reconciliation goes on later: %s", error)
            self._runtime.listener.failed(_AREA, error.error_class, str(error))
        except StorageError as error:
            log.error("the reconciliation goes on later: %s (%s)", error, error.hint)
        except Exception:
            log.exception("the reconciliation failed unexpectedly")
            text = "an error of the gateway itself; see its log"
            self._runtime.listener.failed(_AREA, ErrorClass.UNEXPECTED, text)
        else:
            self._runtime.listener.worked(_AREA)
            return EVERY
        return AGAIN_AFTER

    async def begin(self) -> None:
        """The very first start: nothing before it can have been lost."""
        now = repr(self._runtime.clock())

        def unit(db: Any) -> None:
            for name in (_SHOPIFY, _SMAREGI):
                if get_meta(db, name) is None:
                    set_meta(db, name, now)

        await self._parts.db.write(unit)

    async def once(self) -> PassCounts:
        """One pass, from where the last one ended. Raises UpstreamError and StorageError."""
        started, found = time.monotonic(), PassCounts()
        await self.begin()
        await self._shopify(found)
        await self._links(found)
        if self._parts.till.is_wanted:
            await self._smaregi(found)
        else:
            await self._note(_SMAREGI, repr(self._runtime.clock()))
        seconds = time.monotonic() - started
        text = ", ".join(f"{name} {count}" for name, count in asdict(found).items())
        log.info("reconciliation: %s, in %.1f s", text, seconds)
        self.ended_at = self._runtime.clock()
        self._runtime.listener.reconciled(asdict(found), self.ended_at)
        return found

    # -- Shopify

    async def _shopify(self, found: PassCounts) -> None:
        since, after = await self._since(_SHOPIFY), None
        newest = since
        last = False
        while not last:
            page = await self._parts.shopify.roll.changed(since, after)
            for customer, changed_at in page.customers:
                found.customers += 1
                newest = max(newest, changed_at)
                await self._look(customer, changed_at, found)
            await self._note(_SHOPIFY, repr(max(newest, await self._watermark(_SHOPIFY))))
            after = page.after
            last = after is None

    async def _look(self, customer: Customer, changed_at: float, found: PassCounts) -> None:
        try:
            found.deliveries += await self._parts.customers.look(customer)
        except LaterError:
            found.later += 1
            event_id = f"shopify:seen {customer.id} {changed_at:.0f}"
            await self._parts.keep_event(NewEvent(event_id, "shopify", UPDATED, customer.id))

    async def _links(self, found: PassCounts) -> None:
        """Customers with a record who are gone from Shopify, and whose deletion no webhook
        reported.

        All of a pass are judged together: if there are too many, they are held.
        """
        seen = 0
        while seen < LINKS_A_PASS:
            ids = await self._parts.db.read(_next_linked)
            read = await self._parts.shopify.read_each(ids)
            asked = [each for each in ids if each not in read.refused]
            await self._parts.removals.noticed(asked, read.customers)
            seen += len(ids)
            whole = len(ids) < _LINKS_A_STEP
            await self._note(_LINKS, "0" if whole else str(ids[-1]))
            if whole:
                break
        for new in await self._parts.removals.passed(seen):
            found.gone += await self._parts.keep_event(new)

    # -- Smaregi

    async def _smaregi(self, found: PassCounts) -> None:
        """Pages by id, so the time mark moves only at the end; until then the page is stored."""
        since = await self._since(_SMAREGI)
        resumed = await self._parts.db.read(lambda db: get_meta(db, _PAGE)) or ""
        from_id, newest = _resumed(resumed, since)
        updated_from = None if self._runtime.clock() - since > LONGEST else _iso(since)
        full = True
        while full:
            page = await self._parts.members.changed_page(from_id, updated_from)
            found.members += len(page)
            newest = max([newest, *(_instant(row) for row in page)])
            await self._take(page, found)
            if full := len(page) >= _FULL_PAGE:
                from_id = int(page[-1]["customerId"]) + 1
                await self._note(_PAGE, f"{since!r} {from_id} {newest!r}")
        await self._note(_SMAREGI, repr(newest))
        await self._note(_PAGE, "")

    async def _take(self, page: Sequence[Any], found: PassCounts) -> None:
        """What is new becomes an event: its handler reads the member again."""
        rows = {str(row["customerId"]): row for row in page}
        for link in await self._parts.till.linked([int(each) for each in rows]):
            row = rows[link.reference]
            if self._parts.till.is_news(link, row):
                event_id = f"smaregi:seen {link.reference} {_instant(row):.0f}"
                members = (int(link.reference),)
                new = NewEvent(event_id, "smaregi", "pos:customers", members=members)
                found.till += await self._parts.keep_event(new)

    # -- watermarks

    async def _since(self, name: str) -> float:
        """A mark in the future was written by a wrong clock."""
        return min(await self._watermark(name), self._runtime.clock()) - OVERLAP

    async def _watermark(self, name: str) -> float:
        text = await self._parts.db.read(lambda db: get_meta(db, name))
        return float(text) if text else self._runtime.clock()

    async def _note(self, name: str, value: str) -> None:
        await self._parts.db.write(lambda db: set_meta(db, name, value))


_SHOPIFY, _SMAREGI = "reconciled_shopify", "reconciled_smaregi"
_LINKS, _PAGE = "reconciled_links", "reconciled_page"


def _next_linked(db: sqlite3.Connection) -> list[int]:
    """The next customers who have a record; after the last it begins with the first again."""
    return links.customers_after(db, int(get_meta(db, _LINKS) or 0), _LINKS_A_STEP)


def _resumed(text: str, since: float) -> tuple[int, float]:
    """Where a killed pass continues, if it had the same beginning."""
    parts = text.split()
    if len(parts) == 3 and float(parts[0]) == since:
        return int(parts[1]), float(parts[2])
    return 1, since


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _instant(row: Any) -> float:
    """When a member was changed last, Unix seconds; 0 if that cannot be read."""
    try:
        return datetime.fromisoformat(str(row.get("updDateTime"))).timestamp()
    except ValueError:
        return 0.0
