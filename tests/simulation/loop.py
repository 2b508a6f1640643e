"""An event loop without sockets, threads or real time, whose order is drawn from a seed.

When nothing is ready the time is put forward to the next timer. What a gateway does carries its
`Life` in its context: once that has ended nothing of it runs any more, as after SIGKILL.
"""

import asyncio
import heapq
import sys
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar

__all__ = ["LIFE", "EventLoop", "Life", "StuckError"]

T = TypeVar("T")

MOST_STEPS = 400_000
"""A run that takes more goes round in a circle."""


class StuckError(Exception):
    """Nothing is left that could ever happen, or far too much happens."""


class Life:
    """One process, from its start to its end."""

    def __init__(self) -> None:
        self.over = False


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class EventLoop(asyncio.AbstractEventLoop):
    """`disorder` is the share of steps that are taken out of turn, as threads would be."""

    def __init__(self, dice: Random, disorder: float = 0.0) -> None:
        self._dice = dice
        self._disorder = disorder
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, float, int, TimerHandle]] = []
        self._count = 0
        self._now = 1000.0
        self.steps = 0
        self.kept: list[asyncio.Task[Any]] = []  # the dead too: none is collected in the middle
        self.problems: list[str] = []
        self._over = False

    # -- what asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        handle = TimerHandle(when, callback, args, self, context)
        self._count += 1
        tie = self._dice.random() if self._disorder else 0.0
        heapq.heappush(self._timers, (when, tie, self._count, handle))
        return handle

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """It is thrown away when its time has come."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self.kept.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """The function runs whole, at a moment of its own."""
        future: asyncio.Future[T] = self.create_future()

        def run() -> None:
            if not future.cancelled():
                try:
                    future.set_result(func(*args))
                except Exception as error:  # noqa: BLE001 - as a thread would hand it over
                    future.set_exception(error)

        self.call_later(self._dice.uniform(0.0, 0.005), run)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._over:
            return
        error = context.get("exception")
        said = f"{type(error).__name__}: {error}" if error else ""
        self.problems.append(f"{context.get('message')} {said}".strip())

    # -- running

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """The result of `main`, run to its end; everything else is dropped then."""
        asyncio._set_running_loop(self)
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=lambda generator: None)
        try:
            task = self.create_task(main, context=copy_context())
            while not task.done():
                self._step()
            result: T = task.result()
            return result
        finally:
            self._dispose()
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(None)

    def _dispose(self) -> None:
        """What is left is closed here, not by the collector in the middle of another run."""
        self._over = True
        for task in self.kept:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
        self.kept.clear()
        self._ready.clear()
        self._timers.clear()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise StuckError("it goes round in a circle")
        if not self._ready:
            self._advance()
        handle = self._next()
        if handle._cancelled:
            return
        life = handle._context.get(LIFE)  # type: ignore[attr-defined]
        if life is None or not life.over:
            handle._run()

    def _next(self) -> Handle:
        ready = self._ready
        if self._disorder and len(ready) > 1 and self._dice.random() < self._disorder:
            at = self._dice.randrange(len(ready))
            handle = ready[at]
            del ready[at]
            return handle
        return ready.popleft()

    def _advance(self) -> None:
        timers = self._timers
        while timers and timers[0][3]._cancelled:
            heapq.heappop(timers)
        if not timers:
            raise StuckError("everybody waits for somebody else")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            handle = heapq.heappop(timers)[3]
            if not handle._cancelled:
                self._ready.append(handle)


def _close(coroutine: Any) -> None:
    """Through every `finally` of it, none of which gets anything done any more."""
    for _ in range(100):
        try:
            coroutine.close()
        except Exception:  # noqa: BLE001 - "ignored GeneratorExit": it awaited again
            continue
        except BaseException:  # noqa: BLE001 - CancelledError
            continue
        return
