"""The worker: follows the schedule, a loop for each channel, so that one blocks no other."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from flags import Mode
from gateway.delivery.attempt import Route
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.drain import Drain
from gateway.errors import StorageError
from gateway.outcomes import Delivery
from gateway.store import Database, schedule
from gateway.wire import Lane, lane

__all__ = ["Worker"]

log = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds between looks into the outbox when nothing wakes the worker."""
_SWEEP = 500
_JUMP = 5.0
"""Seconds between two looks at the clock that no real time explains."""


class Worker:
    """`auto_replay()` false: only what was never tried to its end is taken, retries wait."""

    def __init__(
        self,
        db: Database,
        deliverer: Deliverer,
        auto_replay: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._deliverer = deliverer
        self._auto_replay = auto_replay
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = {name: asyncio.Event() for name in deliverer.routes}
        self._sweep = asyncio.Event()
        self._left: set[int] = set()  # kept back by their flag, until the flags change

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._channel(route), name=f"worker {name}")
            for name, route in self._deliverer.routes.items()
        ]
        self._tasks.append(asyncio.create_task(self._sweeper(), name="worker held"))
        self._tasks.append(asyncio.create_task(self._watch_clock(), name="worker clock"))
        self._sweep.set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def wake(self, channel: str | None = None) -> None:
        """Something is due: look at once."""
        for name, event in self._wake.items():
            if channel in {None, name}:
                event.set()

    def flags_changed(self) -> None:
        """Held deliveries may go now, and those that their flag kept back."""
        self._left.clear()
        self._sweep.set()
        self.wake()

    async def _channel(self, route: Route) -> None:
        lane.set(Lane.BACKLOG)
        event = self._wake[route.spec.name]
        while True:
            event.clear()
            busy = False
            try:
                busy = await self._round(route)
            except StorageError as error:
                log.error("the outbox cannot be read: %s (%s)", error, error.hint)
            except Exception:
                log.exception("the worker of %s stumbled", route.spec.name)
            if not busy:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE):
                        await event.wait()

    async def _round(self, route: Route) -> bool:
        """Drain what is due; false if there was nothing, or nothing may go."""
        if route.gate.cause is not None and route.gate.remaining() > 0:
            return False
        drain = Drain(route, self._deliverer, partial(self._due, route.spec.name))
        try:
            return await drain.run()
        finally:
            self._left |= drain.kept_back

    async def _due(self, name: str, limit: int, passed: set[int]) -> list[Delivery]:
        """What is due and may go; what its flag keeps back is in nobody's way."""
        now, retries = self._clock(), self._auto_replay()
        while True:
            skip = self._deliverer.busy | self._left | passed
            due = await self._db.read(
                partial(
                    schedule.due, channel=name, now=now, limit=limit, busy=skip, retries=retries
                )
            )
            going = [d for d in due if self._deliverer.may_go(d)]
            self._left.update(d.id for d in due if d not in going)
            if going or not due:
                return going

    async def _watch_clock(self) -> None:
        """A wall clock that jumps moves what waits along with it."""
        offset = self._clock() - time.monotonic()
        while True:
            await asyncio.sleep(IDLE)
            now = self._clock() - time.monotonic()
            jump, offset = now - offset, now
            if abs(jump) < _JUMP:
                continue
            log.warning("the wall clock jumped by %.0f s; what waits moves along", jump)
            with suppress(StorageError):
                await self._db.write(partial(schedule.shift, seconds=jump))
            self.wake()

    async def _sweeper(self) -> None:
        while True:
            await self._sweep.wait()
            self._sweep.clear()
            try:
                for name in self._deliverer.routes:
                    await self._release_held(name)
            except StorageError as error:
                log.error("held deliveries cannot be read: %s (%s)", error, error.hint)
                await asyncio.sleep(IDLE)
                self._sweep.set()

    async def _release_held(self, channel: str) -> None:
        """Held customers whom flag and percentage now let through become pending."""
        after = 0
        while True:
            page = await self._db.read(
                partial(schedule.held, channel=channel, after=after, limit=_SWEEP)
            )
            if not page:
                return
            after = page[-1][0].id
            go = [held.id for held, linked in page if self._decides_on(held, linked=linked)]
            if go:
                await self._db.write(partial(schedule.release, ids=go, now=self._clock()))
                self.wake(channel)

    def _decides_on(self, held: Delivery, *, linked: bool) -> bool:
        decided = self._deliverer.works.permission.decide(
            held.channel, held.customer_id, held.kind, linked=linked
        )
        return decided.mode is Mode.ON
