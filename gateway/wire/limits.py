"""How fast we may call: a rate a second, and Shopify's bucket of cost points.

Two lanes wait at each limit: live sign-ups first, then the backlog, which also leaves a share of
the rate unused. A rate limit answered although we kept ours is somebody else's traffic on the same
account: the rate is halved at once and recovers slowly.
"""

import asyncio
import heapq
from collections.abc import Callable
from contextvars import ContextVar
from enum import IntEnum
from itertools import count

__all__ = ["CostBucket", "Lane", "RateLimit", "Slots", "lane"]


LONGEST_PAUSE = 2.0
"""Seconds that callers wait here for a `Retry-After`; a longer one is for the channel's gate."""


class Lane(IntEnum):
    """Who asks: lower goes first."""

    LIVE = 0
    BACKLOG = 1


lane: ContextVar[Lane] = ContextVar("lane", default=Lane.LIVE)


class _Bucket:
    """Tokens that refill with time; waiters are served by lane, then in order of arrival."""

    def __init__(
        self,
        clock: Callable[[], float],
        size: float,
        rate: float,
        before_refill: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._before_refill = before_refill
        self.size = size
        self.rate = rate
        self.tokens = size
        self.paused_until = 0.0
        self._at = clock()
        self._waiting: list[tuple[int, int, float, float, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def refill(self) -> None:
        self._before_refill()
        now = self._clock()
        if now > self._at:
            self.tokens = min(self.size, self.tokens + (now - self._at) * self.rate)
        self._at = now

    def take_now(self, amount: float, keep: float) -> bool:
        self.refill()
        paused = self._clock() < self.paused_until
        free = not self._waiting and not paused and self.tokens >= amount + keep
        if free:
            self.tokens -= amount
        return free

    async def take(self, amount: float, keep: float) -> None:
        """Wait until `amount` can be taken with `keep` left over, then take it."""
        if self.take_now(amount, keep):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (lane.get().value, next(self._order), amount, keep, future))
        self._serve()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.tokens += amount
            self._serve()
            raise

    def _serve(self) -> None:
        self.refill()
        while self._waiting:
            _, _, amount, keep, future = self._waiting[0]
            pause = self.paused_until - self._clock()
            if future.cancelled():
                heapq.heappop(self._waiting)
            elif pause > 0:
                self._wake_in(pause)
                return
            elif self.tokens + 1e-9 >= min(amount + keep, self.size):
                heapq.heappop(self._waiting)
                self.tokens -= amount
                future.set_result(None)
            else:
                self._wake_in((min(amount + keep, self.size) - self.tokens) / self.rate)
                return

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.001), self._serve)

    def wait_for(self, amount: float) -> float:
        """Seconds until `amount` would be there, if nobody else took any."""
        self.refill()
        return max(0.0, (amount - self.tokens) / self.rate)


class Slots:
    """At most `number` at the same time; live sign-ups before the backlog."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    async def __aenter__(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (lane.get().value, next(self._order), future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
                return
        self._free += 1


class RateLimit:
    """At most `per_period` calls in any `period` seconds; the backlog leaves a fifth of it.

    The bucket holds little and refills with a little less than the allowance, so that no window of
    `period` seconds, wherever it begins, sees more than the allowance.
    """

    def __init__(self, clock: Callable[[], float], per_period: float, period: float = 1.0) -> None:
        self._clock = clock
        self._allowance = (per_period, period)
        self._full, burst = _shape(per_period, period)
        self._calm_at = 0.0
        self._bucket = _Bucket(clock, burst, self._full, self._recover)

    def allow(self, per_period: float, period: float) -> None:
        """The upstream said what it allows; a rate that was halved stays so until it recovers."""
        if (per_period, period) == self._allowance:
            return
        self._allowance = (per_period, period)
        slowed = self._bucket.rate / self._full
        self._full, self._bucket.size = _shape(per_period, period)
        self._bucket.refill()
        self._bucket.rate = self._full * slowed

    async def acquire(self) -> None:
        keep = self._bucket.size * 0.2 if lane.get() is Lane.BACKLOG else 0.0
        await self._bucket.take(1.0, min(keep, self._bucket.size - 1.0))

    def throttled(self, retry_after: float | None) -> None:
        """Somebody else used our allowance: half the rate, and a pause if one was asked for."""
        self._bucket.refill()
        now = self._clock()
        self._bucket.rate = max(self._bucket.rate / 2, self._full / 32)
        self._calm_at = now + 5.0
        if retry_after:
            pause = now + min(retry_after, LONGEST_PAUSE)
            self._bucket.paused_until = max(self._bucket.paused_until, pause)

    def _recover(self) -> None:
        """A tenth of the full rate every five calm seconds."""
        now = self._clock()
        while self._bucket.rate < self._full and now >= self._calm_at:
            self._bucket.rate = min(self._full, self._bucket.rate + self._full / 10)
            self._calm_at += 5.0


def _shape(per_period: float, period: float) -> tuple[float, float]:
    """(rate a second, burst): together under the allowance in any period.

    What is left of it covers that a request sent late in one period may arrive early in the next.
    """
    burst = max(1.0, per_period * 0.03)
    rate = min(0.96 * per_period, 0.99 * per_period - burst)
    return max(rate, 0.5 * per_period) / period, burst


class CostBucket:
    """Shopify's leaky bucket of points, kept from `extensions.cost.throttleStatus`.

    The backlog leaves `RESERVE` of the bucket to sign-ups.
    """

    RESERVE = 0.25

    def __init__(self, clock: Callable[[], float]) -> None:
        self._bucket = _Bucket(clock, 2000.0, 100.0)

    async def take(self, cost: float) -> None:
        keep = self._bucket.size * self.RESERVE if lane.get() is Lane.BACKLOG else 0.0
        await self._bucket.take(cost, keep)

    def take_now(self, cost: float) -> bool:
        """Whether it could be taken without waiting."""
        keep = self._bucket.size * self.RESERVE if lane.get() is Lane.BACKLOG else 0.0
        return self._bucket.take_now(cost, keep)

    def wait_for(self, cost: float) -> float:
        return self._bucket.wait_for(cost)

    def learn(self, maximum: float, available: float, restore: float, in_flight: float) -> None:
        """What an answer said; calls of ours that it could not have counted are subtracted."""
        if restore <= 0 or maximum <= 0:
            return
        self._bucket.refill()
        self._bucket.size = maximum
        self._bucket.rate = restore
        self._bucket.tokens = min(maximum, max(available - in_flight, -maximum))
