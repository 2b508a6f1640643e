"""How fast we may call: a rate a second, and so many at a time. Shopify's bucket of cost points is
in `gateway.wire.cost_bucket`.

Two lanes wait at each limit: live sign-ups first, then the backlog, which also leaves a share
unused. An attempt's time-out does not run while it waits here. If an upstream says "too many
requests" although we kept its limit, somebody else uses the same account: our rate is halved at
once and recovers slowly.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from enum import IntEnum
from itertools import count

from gateway.wire.pausable_timeout import own_pace

__all__ = ["Lane", "RateLimit", "Slots", "lane"]


LONGEST_PAUSE = 2.0
"""Seconds that callers wait here for a `Retry-After`; a longer one is for the channel's circuit."""


LATE = 0.05
"""Share of a period that a call may take to arrive, and the event loop to stall."""
KEPT_FOR_SIGN_UPS = 0.015
"""Share that the backlog leaves to sign-ups, in whole calls."""


class Lane(IntEnum):
    """Who calls: the lower number goes first."""

    LIVE = 0
    BACKLOG = 1


lane: ContextVar[Lane] = ContextVar("lane", default=Lane.LIVE)


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
            with own_pace():
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
    """At most `per_period` calls in any `period` seconds, wherever such a window begins.

    Every call counts for a little longer than the period, since one sent late in it may arrive
    early in the next. Live sign-ups may take all that is free at once; the backlog goes at an even
    pace and leaves a little, so that sign-ups find room. What a process before us may have sent in
    the last period is taken for an even use of all of it.
    """

    def __init__(self, clock: Callable[[], float], per_period: float, period: float = 1.0) -> None:
        self._clock = clock
        self._allowance: tuple[float, float] | None = None
        self.allow(per_period, period)
        self._share = 1.0  # of the allowance, while somebody else uses the rest
        self._calm_at = 0.0
        self._paused_until = 0.0
        self._paced_at = 0.0
        calls, span = self._windows[Lane.LIVE]
        now = clock()
        self._sent = deque(now - span + span * number / calls for number in range(calls))
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def allow(self, per_period: float, period: float) -> None:
        """The upstream said what it allows; a rate that was halved stays so until it recovers."""
        if (per_period, period) == self._allowance:
            return
        self._allowance = (per_period, period)
        self._windows = [_window(per_period, period, which) for which in Lane]

    async def acquire(self) -> None:
        """Wait for this call's turn. A waiter who is cancelled takes nothing."""
        which, now = lane.get(), self._clock()
        if not self._waiting and self._free_at(which, now) <= now:
            self._take(which, now)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (which.value, next(self._order), future))
        self._serve()
        try:
            with own_pace():
                await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._sent.pop()
            self._serve()
            raise

    def throttled(self, retry_after: float | None) -> None:
        """Somebody else used our allowance: half the rate, and a pause if one was asked for."""
        now = self._clock()
        self._recover(now)
        self._share = max(self._share / 2, 1 / 32)
        self._calm_at = now + 5.0
        if retry_after:
            self._paused_until = max(self._paused_until, now + min(retry_after, LONGEST_PAUSE))

    def _recover(self, now: float) -> None:
        """A tenth of the full rate every five calm seconds."""
        while self._share < 1.0 and now >= self._calm_at:
            self._share = min(1.0, self._share + 0.1)
            self._calm_at += 5.0

    def _free_at(self, which: Lane, now: float) -> float:
        """When a call of this lane may go, by the loop's clock."""
        if self._share < 1.0:
            self._recover(now)
        calls, span = self._windows[which]
        while self._sent and self._sent[0] <= now - span:  # a lane's span is the other's, too
            self._sent.popleft()
        at = self._paused_until
        if len(self._sent) >= calls:
            at = max(at, self._sent[-calls] + span)
        return max(at, self._paced_at) if self._is_paced(which) else at

    def _is_paced(self, which: Lane) -> bool:
        """Some keep a distance: the backlog's calls always, all while the rate is reduced."""
        return which is Lane.BACKLOG or self._share < 1.0

    def _take(self, which: Lane, now: float) -> None:
        self._sent.append(now)
        if self._is_paced(which):
            calls, span = self._windows[which]
            # A turn that comes late by a moment does not put off those after it.
            begin = max(self._paced_at, now - span / 20)
            self._paced_at = begin + span / calls / self._share

    def _serve(self) -> None:
        while self._waiting:
            which, _, future = self._waiting[0]
            if future.cancelled():
                heapq.heappop(self._waiting)
                continue
            now = self._clock()
            wait = self._free_at(Lane(which), now) - now
            if wait > 0:
                self._wake_in(wait)
                return
            heapq.heappop(self._waiting)
            self._take(Lane(which), now)
            future.set_result(None)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.001), self._serve)


def _window(per_period: float, period: float, which: Lane) -> tuple[int, float]:
    """(calls, seconds): so many in so long."""
    calls, span = per_period, period * (1 + LATE)
    if calls < 1:
        calls, span = 1.0, span / calls
    if which is Lane.BACKLOG:
        calls -= int(calls * KEPT_FOR_SIGN_UPS)
    return max(1, int(calls)), span
