"""How long an attempt may take, not counting the time that it waits for a limit of our own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self

__all__ = ["PausableTimeout", "own_pace"]

_patience: ContextVar["PausableTimeout | None"] = ContextVar("patience", default=None)


class PausableTimeout:
    """`async with PausableTimeout(seconds)`: a TimeoutError after these; inside `own_pace()`, also
    in tasks begun in it, the time stands still.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._waiting = 0
        self._is_over = False
        self._timeout: asyncio.Timeout

    async def __aenter__(self) -> Self:
        self._timeout = asyncio.timeout(self._left)
        await self._timeout.__aenter__()
        self._token = _patience.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True  # of a task that outlives it, nothing is measured
        _patience.reset(self._token)
        await self._timeout.__aexit__(kind, error, trace)

    def stop(self) -> None:
        self._waiting += 1
        until = self._timeout.when()
        if self._waiting == 1 and until is not None and self._is_running():
            self._left = until - asyncio.get_running_loop().time()
            self._timeout.reschedule(None)

    def go_on(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self._is_running():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)

    def _is_running(self) -> bool:
        return not self._is_over and not self._timeout.expired()


@contextmanager
def own_pace() -> Iterator[None]:
    """No time-out runs inside: nobody was called yet."""
    patience = _patience.get()
    if patience is None:
        yield
        return
    patience.stop()
    try:
        yield
    finally:
        patience.go_on()
