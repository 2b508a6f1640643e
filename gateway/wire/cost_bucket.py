"""Shopify's bucket of cost points: who may call at once, who waits, and who has to come back.

Sign-ups stand in line (`gateway.wire.line`): whoever cannot be served in time is told at once when
to come back, and is served then, before all who came later. Other callers wait as long as they may.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple

from gateway.wire.limits import Lane, lane
from gateway.wire.line import Line, Place
from gateway.wire.pausable_timeout import own_pace

__all__ = ["CostBucket"]

_FOR_THE_CALL: Final = 2.0
"""Seconds that are left to the call itself, once it has its points; at most a quarter of all."""
_EARLY: Final = 1.0
"""Seconds before its points are there that somebody is told to come back, and waits here for the
rest: so seconds may be rounded, people be a little late, and no point lies idle."""
_A_SIGN_UP: Final = 18.0
"""Points of one, before any was seen."""
_MEMORY: Final = 64
"""Sign-ups over which it is averaged."""


class _Waiter(NamedTuple):
    """`tie` tells two apart that stand in one place."""

    lane: int
    order: int
    tie: int
    amount: float
    keep: float
    future: "asyncio.Future[None]"


class _Bucket:
    """Tokens that refill with time; waiters are served by lane, then in order of arrival."""

    def __init__(
        self,
        clock: Callable[[], float],
        size: float,
        rate: float,
    ) -> None:
        self._clock = clock
        self.size = size
        self.rate = rate
        self.tokens = size
        self._at = clock()
        self._waiting: list[_Waiter] = []
        self._ties = count()
        self._timer: asyncio.TimerHandle | None = None

    def refill(self) -> None:
        now = self._clock()
        if now > self._at:
            self.tokens = min(self.size, self.tokens + (now - self._at) * self.rate)
        self._at = now

    def take_now(self, amount: float, keep: float) -> bool:
        self.refill()
        free = not self._waiting and self.tokens >= amount + keep
        if free:
            self.tokens -= amount
        return free

    async def take(self, amount: float, keep: float, order: int) -> None:
        """Wait until `amount` can be taken with `keep` left over, then take it."""
        if self.take_now(amount, keep):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(lane.get().value, order, next(self._ties), amount, keep, future)
        heapq.heappush(self._waiting, waiter)
        self._serve()
        try:
            with own_pace():
                await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.tokens += amount
            self._serve()
            raise

    def _serve(self) -> None:
        self.refill()
        while self._waiting:
            first = self._waiting[0]
            if first.future.cancelled():
                heapq.heappop(self._waiting)
            elif self.tokens + 1e-9 >= min(first.amount + first.keep, self.size):
                heapq.heappop(self._waiting)
                self.tokens -= first.amount
                first.future.set_result(None)
            else:
                missing = min(first.amount + first.keep, self.size) - self.tokens
                self._wake_in(missing / self.rate)
                return

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.001), self._serve)

    def before(self, order: int) -> list[float]:
        """The amounts of those sign-ups that wait and are served earlier."""
        return [
            one.amount
            for one in self._waiting
            if one.lane == Lane.LIVE and one.order < order and not one.future.cancelled()
        ]

    def wait_for(self, amount: float) -> float:
        """Seconds until `amount` would be there, if nobody else took any."""
        self.refill()
        return max(0.0, (amount - self.tokens) / self.rate)


class CostBucket:
    """As `extensions.cost.throttleStatus` says; the backlog leaves `RESERVE` of it to sign-ups."""

    RESERVE = 0.25

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bucket = _Bucket(clock, 2000.0, 100.0)
        self._line = Line(clock)
        self._spent, self._served = _A_SIGN_UP, 1.0

    async def take(self, cost: float) -> None:
        keep = self._bucket.size * self.RESERVE if lane.get() is Lane.BACKLOG else 0.0
        await self._bucket.take(cost, keep, next(self._line.orders))

    async def take_by(self, until: float, cost: float) -> float | None:
        """None once it was taken; or the seconds after which the caller may ask again, told at
        once to a sign-up whose turn comes later than `until`.
        """
        place = self._line.its_place()
        if place is not None:
            return await self._take_in_line(place, until, cost)
        if self.take_now(cost):
            return None
        try:
            async with asyncio.timeout_at(until):
                await self.take(cost)
        except TimeoutError:
            return self._bucket.wait_for(cost + sum(self._bucket.before(next(self._line.orders))))
        return None

    async def _take_in_line(self, place: Place, until: float, cost: float) -> float | None:
        now = self._clock()
        if place.due is None and self._is_quiet(cost):
            place.due = now
            return None
        patience = until - now
        latest = until - min(_FOR_THE_CALL, patience / 4)
        due = now + self._turn(place) if place.due is None else place.due
        if due <= max(now, latest):
            if self._bucket.take_now(cost, 0.0) or await self._taken(cost, place, latest):
                place.due = min(due, self._clock())
                return None
            before = self._bucket.before(place.order)
            due = self._clock() + self._bucket.wait_for(cost + sum(before))
        self._line.leave(place, due)
        return due - self._clock() - min(_EARLY, patience / 4)

    def _is_quiet(self, cost: float) -> bool:
        """Whether it was taken by whoever has just come: nobody stands before them, and there is
        enough for a sign-up.
        """
        keep = max(0.0, self._spent / self._served - cost)
        return not self._line.awaited() and self._bucket.take_now(cost, keep)

    async def _taken(self, cost: float, place: Place, latest: float) -> bool:
        """Whether there were points for this place in time."""
        try:
            async with asyncio.timeout_at(latest):
                await self._bucket.take(cost, 0.0, place.order)
        except TimeoutError:
            return False
        return True

    def _turn(self, place: Place) -> float:
        """Seconds until there are points for whoever has just come, after all who came before."""
        waiting = len(self._bucket.before(place.order))
        each = self._spent / self._served
        return self._bucket.wait_for((waiting + self._line.awaited() + 1) * each)

    def put_off(self, seconds: float) -> float:
        """The same, of a call that Shopify throttled for so long."""
        place = self._line.its_place()
        if place is not None:
            self._line.leave(place, self._clock() + seconds)
        return seconds

    def take_now(self, cost: float) -> bool:
        """Whether it could be taken without waiting."""
        keep = self._bucket.size * self.RESERVE if lane.get() is Lane.BACKLOG else 0.0
        return self._bucket.take_now(cost, keep)

    def wait_for(self, cost: float) -> float:
        return self._bucket.wait_for(cost)

    def spent(self, cost: float) -> None:
        """So much a call has cost after all; those of sign-ups say what one costs."""
        place = self._line.its_place()
        if place is None or not cost:
            return
        self._spent += cost
        self._served += not place.served
        place.served = True
        if self._served > _MEMORY:
            self._spent, self._served = self._spent / 2, self._served / 2

    def learn(self, maximum: float, available: float, restore: float, in_flight: float) -> None:
        """Takes over what an answer said, minus our calls that it cannot have counted yet."""
        if restore <= 0 or maximum <= 0:
            return
        self._bucket.refill()
        self._bucket.size = maximum
        self._bucket.rate = restore
        self._bucket.tokens = min(maximum, max(available - in_flight, -maximum))
