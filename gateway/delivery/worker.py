"""The worker: sends what is due. Each channel has its own loop, so that none blocks another."""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial

from flags import Mode
from gateway.background import WOKEN, Background
from gateway.delivery.drain import Drain, KeepBack
from gateway.delivery.parts import DeliveryParts
from gateway.delivery.route import Route
from gateway.delivery.runtime import Runtime, Wakes
from gateway.outcomes import AUTOMATIC, Delivery
from gateway.store import Engine, outbox
from gateway.wire import Lane, lane

__all__ = ["Worker"]

IDLE = 1.0
"""Seconds between looks into the outbox when nothing wakes the worker."""
_SWEEP = 200
"""Deliveries that are looked at in one step after the flags have changed."""


class Worker:
    """Without GATEWAY_AUTO_REPLAY only what was never tried to its end is taken, retries wait."""

    def __init__(self, db: Engine, delivery: DeliveryParts, wakes: Wakes, runtime: Runtime) -> None:
        self._db = db
        self._delivery = delivery
        self._deliverer = delivery.deliverer
        self._wakes = wakes
        self._runtime = runtime
        self._loops = Background()
        self._sweep = asyncio.Event()
        self._flags = 0  # counts the changes of the flags

    def start(self) -> None:
        for name, route in self._delivery.routes.items():
            self._loops.go_round(
                partial(self._channel, route), f"worker of {name}", self._wakes.channels[name]
            )
        self._loops.go_round(self._sweeper, "worker of held deliveries", self._sweep)
        self._loops.every(IDLE, self._follow_clock, "worker of the clock")

    async def stop(self) -> None:
        await self._loops.stop()

    def wake(self, channel: str | None = None) -> None:
        """Something is due: look into the outbox at once."""
        self._wakes.worker(channel)

    def flags_changed(self) -> None:
        """Held deliveries, and those that their flag kept back, may go now."""
        self._flags += 1
        self._sweep.set()
        self.wake()

    async def _channel(self, route: Route) -> float:
        """Drain what is due; at once again if there was something."""
        lane.set(Lane.BACKLOG)
        drain = Drain(
            route,
            self._deliverer,
            self._runtime.background,
            due=partial(self._due, route.spec.name),
            keeping=self._keeping,
        )
        return 0.0 if await drain.run() else IDLE

    async def _due(self, name: str, limit: int, passed: set[int]) -> list[Delivery]:
        """What is due and may go. What its flag keeps back is set aside and blocks nothing."""
        now, retries = self._runtime.clock(), self._runtime.policy.auto_replay
        going: list[Delivery] = []
        due = True
        while due and not going:
            keep_back = self._keeping()
            skip = self._deliverer.busy | passed
            found = await self._db.read(
                partial(outbox.due, channel=name, now=now, limit=limit, busy=skip, retries=retries)
            )
            # Whoever signed up during the look is being tried already.
            free = [d for d in found if d.id not in self._deliverer.busy]
            due = bool(free) or len(found) == limit
            going = [d for d in free if self._deliverer.may_go(d)]
            if staying := [d for d in free if d not in going]:
                await keep_back(staying)
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

    async def _follow_clock(self) -> None:
        """When the wall clock is set, the times of waiting deliveries move with it."""
        if await self._delivery.clock_jumps.follow():
            self.wake()

    async def _sweeper(self) -> None:
        for name in self._delivery.routes:
            await self._release_held(name)
            await self._look_again(name)
        return WOKEN

    async def _release_held(self, channel: str) -> None:
        """Held customers whom flag and percentage now let through become pending."""
        after = outbox.START
        while page := await self._db.read(
            partial(outbox.held, channel=channel, after=after, limit=_SWEEP)
        ):
            after = outbox.place_of(page[-1][0])
            go = [held.id for held, linked in page if self._decides_on(held, linked=linked)]
            if go:
                await self._delivery.clock_jumps.follow()
                now = self._runtime.clock()
                await self._db.write(partial(outbox.release, ids=go, now=now))
                self.wake(channel)

    async def _look_again(self, channel: str) -> None:
        """Deliveries that were kept back, and that the flags let go now, become due."""
        for outcome in AUTOMATIC:
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
        decided = self._delivery.preparation.flag_policy.decide(
            held.channel, held.customer_id, held.kind, linked=linked
        )
        return decided.mode is Mode.ON
