"""Guards the identity of the systems: the gateway speaks only to the same shop, contract and
account as before.

Identities are written down at the first success, and compared at every start and reload, before
anything else is sent there. A system with another identity gets no call until a person says `shop
accept`; if it is the shop, no channel is written to either. If a system cannot be asked right now,
its calls fail as they would anyway. A system that does not say who it is counts as the same.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from gateway import frozen
from gateway.errors import ErrorClass, IdentityError, NotReadyError, UpstreamError
from gateway.outcomes import Identity
from gateway.store import Engine, identities
from gateway.wire import Access, Call

__all__ = ["SHOP", "Difference", "Identities", "IdentitySource"]

log = logging.getLogger(__name__)

SHOP = "shopify"
ASK_AGAIN = 10.0
"""Seconds after which a difference is checked again: it may have been corrected elsewhere."""


@frozen
class IdentitySource:
    """A system: what it is called, how it is asked who it is (None: it does not say), and what is
    forgotten of it, in words, once another one is accepted.
    """

    title: str
    ask: Callable[[], Awaitable[Identity | None]]
    forgets: str = ""


@frozen
class Difference:
    """`reason`: for whoever has to correct it; ids, and no personal data."""

    system: str
    title: str
    before: Identity
    now: Identity

    @property
    def reason(self) -> str:
        return (
            f"the {self.title} is another one than before ({self.before} -> {self.now}): put the "
            "old settings back, or run `shop accept` if this is on purpose"
        )


class Identities:
    """`differs(difference)` is told once of each, `agrees(system)` whenever one may be used."""

    def __init__(
        self,
        db: Engine,
        sources: Mapping[str, IdentitySource],
        *,
        differs: Callable[[Difference], None] = lambda difference: None,
        agrees: Callable[[str], None] = lambda system: None,
    ) -> None:
        self.sources = sources
        self._db = db
        self._differs = differs
        self._agrees = agrees
        self._same: set[str] = set()
        self._others: dict[str, Difference] = {}
        self._asked_at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._announced: set[tuple[Identity, Identity]] = set()

    def difference(self, system: str) -> Difference | None:
        """As last seen."""
        return self._others.get(system)

    def forget(self) -> None:
        """The settings may name others now: nothing is sent before they were asked."""
        self._same.clear()
        self._others.clear()
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    async def close(self) -> None:
        tasks = list(self._asking.values())
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- before each call

    def admit(self, call: Call) -> Awaitable[None] | None:
        """What `gateway.wire` asks of each call."""
        if call.introduces or call.system not in self.sources:
            return None
        if call.system in self._same and (call.access is Access.READ or SHOP in self._same):
            return None
        return self._ask_first(call)

    async def _ask_first(self, call: Call) -> None:
        difference = await self.compare(call.system)
        if difference is not None:
            raise IdentityError(call.system, call.operation, difference.reason)
        if call.access is Access.WRITE and call.system != SHOP:
            await self._shop_first(call.system)

    async def _shop_first(self, system: str) -> None:
        """Before a channel is written to, the shop must be known: all that is written is this
        shop's.
        """
        try:
            difference = await self.compare(SHOP)
        except UpstreamError as error:
            text = f"Shopify cannot be asked which shop it is ({error.error_class})"
            raise NotReadyError(system, text) from None
        if difference is not None:
            raise NotReadyError(system, difference.reason)

    async def compare(self, system: str) -> Difference | None:
        """Asks, unless that was done since the last reload. Raises UpstreamError."""
        if system in self._same:
            return None
        age = time.monotonic() - self._asked_at.get(system, 0.0)
        if system in self._others and age < ASK_AGAIN:
            return self._others[system]
        task = self._asking.get(system)
        if task is None or task.done():
            task = asyncio.create_task(self._compare(system), name=f"identity of {system}")
            task.add_done_callback(_retrieve)
            self._asking[system] = task
        await self._wait_for(task, system)
        return self._others.get(system)

    async def _wait_for(self, task: "asyncio.Task[None]", system: str) -> None:
        """Asks once for all who need the answer, even if one of them gives up."""
        await asyncio.wait({task})
        if task.cancelled():
            text = "the settings were changed meanwhile"
            raise UpstreamError(system, "identity", ErrorClass.UNAVAILABLE, text, applied=False)
        task.result()

    async def _compare(self, system: str) -> None:
        now = await self.sources[system].ask()
        before = await self._db.read(lambda db: identities.get(db, system))
        self._asked_at[system] = time.monotonic()
        if now is not None and before is None:
            at = self._db.now()
            await self._db.write(lambda db: identities.pin(db, system, now, at))
            log.info("%s is %s from now on", self.sources[system].title, now)
        if now is None or before is None or not now.differs(before):
            self._let_through(system)
        else:
            self._stop(Difference(system, self.sources[system].title, before, now))

    def _let_through(self, system: str) -> None:
        self._others.pop(system, None)
        self._same.add(system)
        self._agrees(system)

    def _stop(self, difference: Difference) -> None:
        self._others[difference.system] = difference
        if (difference.before, difference.now) not in self._announced:
            self._announced.add((difference.before, difference.now))
            self._differs(difference)

    async def compare_all(self, systems: Iterable[str]) -> list[Difference]:
        """Those that are known to differ; who cannot be asked now is asked before its next call."""
        await asyncio.gather(*map(self._try, (each for each in systems if each in self.sources)))
        return [found for each in systems if (found := self._others.get(each))]

    async def _try(self, system: str) -> None:
        try:
            await self.compare(system)
        except UpstreamError as error:
            log.info("who %s is will be asked later: %s", self.sources[system].title, error)


def _retrieve(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()
