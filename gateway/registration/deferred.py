"""Brings sign-ups that were answered 202 to Shopify: in order of arrival, a few at a time, behind
live sign-ups.

Those that wait are only in the database; memory holds those being tried. The circuit works as a
channel's does: while Shopify is down, one try at a time goes as a probe; after a recovery the
number rises from one. Live sign-ups do not go through it.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from gateway.background import WOKEN, Background, on_behalf_of
from gateway.customer import Profile
from gateway.delivery import CircuitBreaker, CircuitState, Runtime
from gateway.delivery.clock_jumps import ClockJumps
from gateway.delivery.pump import Pump
from gateway.delivery.retry import retry_delay
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.store import Engine, deferred, tally
from gateway.store.deferred import DeferredRegistration
from gateway.wire import Lane, lane

__all__ = ["AT_ONCE", "DeferredRegistrations"]

log = logging.getLogger(__name__)

AT_ONCE = 8
"""At most so many tries at a time. Usually Shopify's cost points set the pace: its standard plan
restores five creates a second. On a larger plan this leaves the processor to live sign-ups."""
LONGEST_DELAY = 600.0
"""Seconds. One that failed is tried again after this time at the latest: a 202 promises that."""
_IDLE = 1.0
_ORPHANED = 2.0
"""Seconds after which a claim in the database that no running try of this process explains is
freed.
"""


class Driving(Protocol):
    """Knows which registrations a live request is working on."""

    def is_running(self, registration_id: str) -> bool: ...


class DeferredRegistrations:
    """`registrar` knows which registrations a request is working on; `circuit` is Shopify's."""

    def __init__(
        self,
        db: Engine,
        attempt: DeferredAttempt,
        registrar: Driving,
        circuit: CircuitBreaker,
        wake: asyncio.Event,
        jumps: ClockJumps,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._attempt = attempt
        self._registrar = registrar
        self._circuit = circuit
        self._wake = wake
        self._jumps = jumps
        self._runtime = runtime
        self._recoveries = 0  # after a recovery, what failed is due at once
        self._loops = Background()
        self._pump: Pump[DeferredRegistration, None] = Pump(
            self, runtime.background, "registrations answered 202", ahead=False
        )

    @property
    def circuit(self) -> CircuitBreaker:
        """While it is open it says why nothing is being tried."""
        return self._circuit

    def start(self) -> None:
        self._loops.go_round(self._round, "registrations answered 202", self._wake)

    async def stop(self) -> None:
        """Begins no more tries; those under way go on."""
        await self._loops.stop()

    def wake(self) -> None:
        """A registration was deferred."""
        self._wake.set()

    def reload(self) -> None:
        """New credentials may have removed what opened the circuit: try at once."""
        if self._circuit.cause is ErrorClass.AUTH:
            self._circuit.half_open()
        self._wake.set()

    async def _round(self) -> float | None:
        """Tries what is due until nothing is, or nothing may go; the next round is soon while any
        wait.
        """
        lane.set(Lane.BACKLOG)
        await self._jumps.follow()
        await self._take_up_orphans()
        await self._pump.run()
        return _IDLE if await self._db.read(tally.waiting) else WOKEN

    async def _take_up_orphans(self) -> None:
        """Frees what is claimed although nobody is trying it: the database failed midway."""
        now = self._runtime.clock()
        claimed = await self._db.read(partial(deferred.orphans, before=now - _ORPHANED))
        ours = {row.id for row in self._pump.running.values()}
        ids = [i for i in claimed if i not in ours and not self._registrar.is_running(i)]
        if ids:
            await self._db.write(partial(deferred.recover, ids=ids, now=now))

    def room(self) -> int:
        """An open circuit lets one through, as a probe, when its time has come."""
        if self._circuit.cause is None:
            return self._circuit.window
        return 0 if self._circuit.remaining() > 0 else 1

    async def read(
        self, waiting: Sequence[DeferredRegistration], running: Sequence[DeferredRegistration]
    ) -> Sequence[DeferredRegistration] | None:
        """Claims as many of those due as may begin."""
        if self._recoveries != self._circuit.recoveries:
            self._recoveries = self._circuit.recoveries
            now = self._runtime.clock()
            while await self._db.write(partial(deferred.bring_forward, now=now)):
                pass
        free = self.room() - len(waiting) - len(running)
        claim = partial(deferred.claim, now=self._runtime.clock(), limit=max(0, free))
        return await self._db.write(claim) or None

    def ended(self, item: DeferredRegistration, result: None) -> None:
        """The try itself has written its result."""

    async def work(self, item: DeferredRegistration) -> None:
        """If the database fails, it stays claimed, and is taken up again as an orphan."""
        try:
            with on_behalf_of(item.request_id):
                await self._follow(item)
        except StorageError as error:
            log.error("registration %s waits on: %s (%s)", item.id, error, error.hint)
        except Exception:
            log.exception("registration %s: the try failed unexpectedly", item.id)

    async def _follow(self, row: DeferredRegistration) -> None:
        profile = self._attempt.read(row)
        if profile is None:
            await self._attempt.end_unreadable(row)
        elif await self._circuit.admit() is CircuitState.OPEN:
            now = self._runtime.clock()
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
        self._circuit.succeeded()
        self._runtime.listener.shopify_answered(None, live=False)
        self._runtime.listener.delivery_due()

    async def _failed(self, row: DeferredRegistration, error: UpstreamError) -> None:
        self._circuit.failed(error)
        about = {"registration_id": row.id, "error_class": error.error_class, "attempt": row.tries}
        log.warning("registration %s waits on: Shopify failed: %s", row.id, error, extra=about)
        if error.error_class is not ErrorClass.RATE_LIMIT:  # its limit is no failure
            self._runtime.listener.shopify_answered(error, live=False)
        await self._jumps.follow()
        now = self._runtime.clock()
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
        schedule = self._runtime.policy.schedule
        return retry_delay(schedule, tries, random.random, asked=asked, longest=LONGEST_DELAY)
