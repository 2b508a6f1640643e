"""One run of something for all who ask for it before it begins."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

__all__ = ["SharedRun"]


class SharedRun:
    """`join()` gives the run that has not yet begun: one under way may have passed what is new."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._run = run
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    def join(self) -> "asyncio.Task[None]":
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
            return self._running
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._after(self._running))
        return self._next

    async def _after(self, running: "asyncio.Task[None]") -> None:
        with suppress(Exception):
            await asyncio.shield(running)
        self._running, self._next = self._next, None
        await self._run()

    def tasks(self) -> list["asyncio.Task[None]"]:
        return [task for task in (self._running, self._next) if task is not None]
