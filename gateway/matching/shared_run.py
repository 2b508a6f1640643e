"""One run of something for all who ask for it before it begins."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["SharedRun"]


class SharedRun:
    """`join()` returns the run that has not begun yet: a running one may have passed what is new.

    A run begins at least `apart()` seconds after the one before: the more ask, the more share it.
    """

    def __init__(
        self, run: Callable[[], Coroutine[Any, Any, None]], apart: Callable[[], float]
    ) -> None:
        self._run = run
        self._apart = apart
        self._begun_at = float("-inf")
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    def join(self) -> "asyncio.Task[None]":
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._after(self._running))
            self._next.add_done_callback(_noticed)
        return self._next

    async def _after(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        loop = asyncio.get_running_loop()
        wait = self._begun_at + self._apart() - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        self._running, self._next = self._next, None
        self._begun_at = loop.time()
        await self._run()

    def tasks(self) -> list["asyncio.Task[None]"]:
        return [task for task in (self._running, self._next) if task is not None]


def _noticed(run: "asyncio.Task[None]") -> None:
    """Whoever waits for the run gets its failure; perhaps nobody does any more."""
    if not run.cancelled():
        run.exception()
