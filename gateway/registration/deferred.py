"""Brings sign-ups that were answered 202 to Shopify: in order of arrival, a few at a time, in the
backlog's lane.

Those that wait are in the database alone; memory holds those being tried. The gate is the same as
a channel's: while Shopify is down, one try at a time goes as a probe; after a recovery the number
rises from one. Live sign-ups do not pass the gate.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from gateway.background import go_round
from gateway.customer import Profile
from gateway.delivery import CircuitBreaker, CircuitState
from gateway.errors import ErrorClass, UpstreamError
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.store import Database, deferred, tally
from gateway.store.deferred import DeferredRegistration
from gateway.wire import Lane, lane

__all__ = ["AT_ONCE", "DeferredRegistrations"]

log = logging.getLogger(__name__)

AT_ONCE = 8
"""At most so many tries at a time. Usually Shopify's cost points set the pace: its standard plan
restores five creates a second. On a larger plan this leaves the processor to live sign-ups."""
LONGEST_DELAY = 600.0
"""Seconds. A failed one is tried at least this often: its caller was promised that it goes on."""
_IDLE = 1.0
_ORPHANED = 2.0
"""Seconds from a live caller's claim in the database until this process must know of its try."""


class DeferredRegistrations:
    """`keep` runs a coroutine that shutdown waits for. `is_live(id)`: a live caller is trying it.

    `owed` is called when channels have something to do, `shopify_result` with the master's failures
    and recoveries. `follow()` moves what waits along with a wall clock that was set, and `clock` is
    that clock.
    """

    def __init__(
        self,
        db: Database,
        attempt: DeferredAttempt,
        *,
        keep: Callable[..., "asyncio.Task[None]"],
        is_live: Callable[[str], bool],
        schedule: Callable[[], Sequence[float]],
        follow: Callable[[], Awaitable[object]],
        owed: Callable[[], None] = lambda: None,
        shopify_result: Callable[[UpstreamError | None], None] = lambda error: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._attempt = attempt
        self._keep = keep
        self._is_live = is_live
        self._schedule = schedule
        self._follow_clock = follow
        self._owed = owed
        self._shopify_result = shopify_result
        self._clock = clock
        self._circuit = CircuitBreaker("shopify", time.monotonic, AT_ONCE)
        self._forward = False  # what failed need not wait for its time any more
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="deferred registrations")
        self._wake.set()

    async def stop(self) -> None:
        """Begin no more. Tries under way go on; shutdown waits for them."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """A sign-up was answered 202."""
        self._wake.set()

    def reload(self) -> None:
        """New credentials may have removed what shut the gate: try at once."""
        if self._circuit.cause is ErrorClass.AUTH:
            self._circuit.half_open()
        self._wake.set()

    def shopify_works(self) -> None:
        """A live sign-up got through, so Shopify works: do not wait for the next probe."""
        if self._circuit.cause is not None:
            self._circuit.half_open()
            self._forward = True
            self._wake.set()

    async def _run(self) -> None:
        lane.set(Lane.BACKLOG)
        await go_round(
            self._round,
            self._wake,
            _IDLE,
            log=log,
            what="deferred registrations",
            who="following deferred registrations",
        )

    async def _round(self) -> bool:
        """Runs until nothing is due, or nothing may go. Returns whether any are left."""
        await self._follow_clock()
        await self._take_up_orphans()
        while (await self._begin_some()) or self._running:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        return await self._db.read(tally.waiting) > 0

    async def _take_up_orphans(self) -> None:
        """Frees what is claimed although nobody is trying it: the database failed midway."""
        now = self._clock()
        claimed = await self._db.read(partial(deferred.orphans, before=now - _ORPHANED))
        ids = [i for i in claimed if i not in self._running and not self._is_live(i)]
        if ids:
            await self._db.write(partial(deferred.recover, ids=ids, now=now))

    def _free(self) -> int:
        """How many more may be tried now. An open circuit lets one through, as a probe, at its
        time.
        """
        if self._circuit.cause is None:
            return self._circuit.window - len(self._running)
        return 0 if self._circuit.remaining() > 0 else 1 - len(self._running)

    async def _begin_some(self) -> bool:
        free = self._free()
        if free <= 0:
            return False
        if self._forward:
            self._forward = False
            now = self._clock()
            while await self._db.write(partial(deferred.bring_forward, now=now)):
                pass
        claimed = await self._db.write(partial(deferred.claim, now=self._clock(), limit=free))
        for row in claimed:
            task = self._keep(self._follow(row))
            self._running[row.id] = task
            task.add_done_callback(partial(self._forget, row.id))
        return bool(claimed)

    def _forget(self, registration_id: str, _: "asyncio.Task[None]") -> None:
        self._running.pop(registration_id, None)

    async def _follow(self, row: DeferredRegistration) -> None:
        profile = self._attempt.read(row)
        if profile is None:
            await self._attempt.end_unreadable(row)
        elif await self._circuit.admit() is CircuitState.OPEN:
            now = self._clock()
            await self._db.write(partial(deferred.put_back, registration_id=row.id, now=now))
        else:
            await self._try(row, profile)

    async def _try(self, row: DeferredRegistration, profile: Profile) -> None:
        try:
            await self._attempt.make(row, profile)
        except UpstreamError as error:
            await self._failed(row, error)
            return
        except BaseException:
            self._circuit.abandon()
            raise
        self._forward = self._circuit.succeeded() or self._forward
        self._shopify_result(None)
        self._owed()

    async def _failed(self, row: DeferredRegistration, error: UpstreamError) -> None:
        self._circuit.failed(error)
        log.warning("registration %s waits on: Shopify failed: %s", row.id, error)
        if error.error_class is not ErrorClass.RATE_LIMIT:  # that is only our own pace
            self._shopify_result(error)
        await self._follow_clock()
        now = self._clock()
        after = replace(row, doubt=row.doubt or error.applied is not False)
        again_at = now + self._delay(row.tries, error)
        await self._db.write(partial(deferred.postpone, row=after, again_at=again_at, now=now))
        if self._circuit.cause is not None:
            while await self._attempt.end_overdue(error.error_class):
                pass
        elif now >= row.end_at:
            await self._attempt.end_overdue(error.error_class, only=row.id)

    def _delay(self, tries: int, error: UpstreamError) -> float:
        """Seconds to the next try: by the schedule, at most ten minutes, and as Shopify allows."""
        asked = min(error.retry_after or 0.0, deferred.LONGEST_DELAY)
        if error.error_class is ErrorClass.RATE_LIMIT:
            return max(asked, 1.0)
        schedule = self._schedule() or (LONGEST_DELAY,)
        planned = min(schedule[min(tries, len(schedule)) - 1], LONGEST_DELAY)
        return max(planned * (1 + 0.1 * random.random()), asked)  # noqa: S311
