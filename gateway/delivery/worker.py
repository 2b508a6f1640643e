"""The worker: sends what is due. Each channel has its own loop, so that none blocks another."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from flags import Mode
from gateway.delivery.attempt import Route
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.drain import Drain, KeepBack
from gateway.errors import StorageError
from gateway.outcomes import Delivery, Outcome
from gateway.store import Database, outbox
from gateway.wire import Lane, lane

__all__ = ["Worker"]

log = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds between looks into the outbox when nothing wakes the worker."""
_SWEEP = 200
"""Deliveries that are looked at in one step after the flags have changed."""


class Worker:
    """If `auto_replay()` is false, only deliveries without a finished attempt go; retries wait."""

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
        self._flags = 0  # counts the changes of the flags

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
        """Something is due: look into the outbox at once."""
        for name, event in self._wake.items():
            if channel in {None, name}:
                event.set()

    def flags_changed(self) -> None:
        """Held deliveries, and those that their flag kept back, may go now."""
        self._flags += 1
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
        """Sends what is due. False if nothing was due, or nothing may go."""
        if route.circuit.cause is not None and route.circuit.remaining() > 0:
            return False
        due = partial(self._due, route.spec.name)
        return await Drain(route, self._deliverer, due, self._keeping).run()

    async def _due(self, name: str, limit: int, passed: set[int]) -> list[Delivery]:
        """What is due and may go. What its flag keeps back is set aside and blocks nothing."""
        now, retries = self._clock(), self._auto_replay()
        while True:
            keep_back = self._keeping()
            skip = self._deliverer.busy | passed
            due = await self._db.read(
                partial(outbox.due, channel=name, now=now, limit=limit, busy=skip, retries=retries)
            )
            going = [d for d in due if self._deliverer.may_go(d)]
            staying = [d for d in due if d not in going]
            if staying:
                await keep_back(staying)
            if going or not due:
                return going

    def _keeping(self) -> KeepBack:
        """A function that marks what these flags keep back, unless they have changed by then."""
        flags = self._flags

        async def keep_back(deliveries: Sequence[Delivery]) -> None:
            def unit(db: sqlite3.Connection) -> None:
                if flags == self._flags:
                    outbox.keep_back(db, deliveries)

            await self._db.write(unit)

        return keep_back

    async def _watch_clock(self) -> None:
        """When the wall clock is set, the times of waiting deliveries move with it."""
        while True:
            await asyncio.sleep(IDLE)
            with suppress(StorageError):
                if await self._deliverer.clock_jumps.follow():
                    self.wake()

    async def _sweeper(self) -> None:
        while True:
            await self._sweep.wait()
            self._sweep.clear()
            try:
                for name in self._deliverer.routes:
                    await self._release_held(name)
                    await self._look_again(name)
            except StorageError as error:
                log.error("held deliveries cannot be read: %s (%s)", error, error.hint)
                await asyncio.sleep(IDLE)
                self._sweep.set()

    async def _release_held(self, channel: str) -> None:
        """Held customers whom flag and percentage now let through become pending."""
        after = outbox.START
        while True:
            page = await self._db.read(
                partial(outbox.held, channel=channel, after=after, limit=_SWEEP)
            )
            if not page:
                return
            after = outbox.place_of(page[-1][0])
            go = [held.id for held, linked in page if self._decides_on(held, linked=linked)]
            if go:
                await self._deliverer.clock_jumps.follow()
                await self._db.write(partial(outbox.release, ids=go, now=self._clock()))
                self.wake(channel)

    async def _look_again(self, channel: str) -> None:
        """Deliveries that were kept back, and that the flags let go now, become due."""
        for outcome in (Outcome.PENDING, Outcome.RETRYING):
            after = outbox.START
            while page := await self._db.read(
                partial(
                    outbox.kept_back, channel=channel, outcome=outcome, after=after, limit=_SWEEP
                )
            ):
                after = outbox.place_of(page[-1])
                go = [delivery.id for delivery in page if self._deliverer.may_go(delivery)]
                if go:
                    await self._db.write(partial(outbox.let_go, ids=go))
                    self.wake(channel)

    def _decides_on(self, held: Delivery, *, linked: bool) -> bool:
        decided = self._deliverer.preparation.flag_policy.decide(
            held.channel, held.customer_id, held.kind, linked=linked
        )
        return decided.mode is Mode.ON
