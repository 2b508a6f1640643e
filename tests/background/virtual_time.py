"""An event loop whose clock jumps to whatever is due next: an hour takes no time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["in_virtual_time"]


class _Jumping(selectors.DefaultSelector):
    """Where nothing has come, the time that was to be waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self.passed += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(test())
