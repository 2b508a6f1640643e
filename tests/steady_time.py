"""An event loop by whose time a busy machine is as quick as a calm one.

A test runs beside others: its process may get no processor for a second. So what passes is what the
loop has worked, by the processor's time, and what it has waited for, in short turns of which a
stall can only lengthen one. No time limit ends because the machine stalled, and what a test
measures by `loop.time()` is not longer. Work that blocks the loop without the processor, such as
`time.sleep`, takes no time: it is looked for in `tests/architecture/test_event_loop.py`.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["SteadyLoop", "run"]

T = TypeVar("T")

_TURN = 0.02
"""Seconds that the loop waits at a time for something to happen."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self._waited = time.monotonic() - time.thread_time()

    def time(self) -> float:
        return self._waited + time.thread_time()

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if found or timeout == 0:
            return found
        turn = _TURN if timeout is None else min(timeout, _TURN)
        began = time.monotonic()
        found = super().select(turn)
        self._waited += min(time.monotonic() - began, _TURN)
        return found


class SteadyLoop(asyncio.SelectorEventLoop):
    """As the loop of `asyncio.run`, but for its time."""

    def __init__(self) -> None:
        self._steady = _Selector()
        super().__init__(self._steady)

    def time(self) -> float:
        return self._steady.time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, for tests that are not coroutines themselves."""
    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        return runner.run(main)
