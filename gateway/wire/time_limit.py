"""`asyncio.timeout` as a plain `with`, for what stands round every single call.

Entering and leaving wait for nothing, so neither is a coroutine here. Seven limits stand round the
calls of a sign-up, and nearly each is left long before it is over: so all share one timer of the
event loop, which is set for the first of them.
"""

import asyncio
from contextvars import Context
from functools import lru_cache
from types import TracebackType

__all__ = ["TimeLimit"]


class TimeLimit:
    """`with TimeLimit(seconds)`: the task that entered it is cancelled after these, and leaves with
    a TimeoutError, unless somebody else cancelled it too.
    """

    __slots__ = ("_alarm", "_cancelling", "_is_over", "_left", "_task")

    _alarm: "_Alarm"
    _task: "asyncio.Task[object]"

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._is_over = False

    def __enter__(self) -> None:
        self._alarm = alarm = _alarm_of(asyncio.get_running_loop())
        task = asyncio.current_task(alarm.loop)
        assert task is not None  # noqa: S101 - nothing but a task can be stopped in the middle
        self._task, self._cancelling = task, task.cancelling()
        alarm.add(self, self._left)

    def end(self) -> None:
        """It is over."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.remove(self)
        ends_here = self._is_over and self._task.uncancel() <= self._cancelling
        if ends_here and kind is asyncio.CancelledError:
            raise TimeoutError from error


class _Alarm:
    """The limits that run in one event loop, and when each is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._over_at: dict[TimeLimit, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._set_for = 0.0

    def add(self, limit: TimeLimit, seconds: float) -> None:
        self._over_at[limit] = over_at = self.loop.time() + seconds
        if self._timer is None or over_at < self._set_for:
            self._set(over_at)

    def left(self, limit: TimeLimit) -> float:
        """Seconds, of one that runs."""
        return self._over_at[limit] - self.loop.time()

    def remove(self, limit: TimeLimit) -> None:
        """It may be over, or stand still."""
        self._over_at.pop(limit, None)
        if not self._over_at and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, over_at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._set_for = over_at
        # in a context of its own: that of whoever comes by would be held by it
        self._timer = self.loop.call_at(over_at, self._ring, context=Context())

    def _ring(self) -> None:
        self._timer = None
        now = self.loop.time()
        for limit in [limit for limit, over_at in self._over_at.items() if over_at <= now]:
            del self._over_at[limit]
            limit.end()
        if self._over_at:
            self._set(min(self._over_at.values()))


@lru_cache(4)
def _alarm_of(loop: asyncio.AbstractEventLoop) -> _Alarm:
    return _Alarm(loop)
