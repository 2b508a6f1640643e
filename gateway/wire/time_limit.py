"""`asyncio.timeout` as a plain `with`, for what stands round every single call.

Entering and leaving wait for nothing, so neither is a coroutine here: eight limits stand round the
calls of a sign-up, and each costs less than half.
"""

import asyncio
from types import TracebackType

__all__ = ["TimeLimit"]


class TimeLimit:
    """`with TimeLimit(seconds)`: the task that entered it is cancelled after these, and leaves with
    a TimeoutError, unless somebody else cancelled it too.
    """

    __slots__ = ("_cancelling", "_is_over", "_left", "_task", "_timer")

    _task: "asyncio.Task[object]"
    _timer: asyncio.TimerHandle

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._is_over = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - nothing but a task can be stopped in the middle
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_later(self._left, self._end)

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        del self._timer  # its context may hold whoever has it, and nobody but the collector lets go
        ends_here = self._is_over and self._task.uncancel() <= self._cancelling
        if ends_here and kind is asyncio.CancelledError:
            raise TimeoutError from error
