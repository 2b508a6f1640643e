"""Work that continues after its caller has gone, and how it ends at shutdown."""

import asyncio
import logging
from typing import Any

from gateway.errors import StorageError, UpstreamError

__all__ = ["Background"]

log = logging.getLogger(__name__)


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    def keep(self, coroutine: Any) -> "asyncio.Task[Any]":
        """Run something that continues after its caller has gone; shutdown waits for it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def keep_until_stop(self, coroutine: Any) -> None:
        """Run something that may never end; `finish` does not wait for it, and cancels it."""
        task = asyncio.create_task(coroutine)
        self._endless.add(task)
        task.add_done_callback(self._endless.discard)

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            known = isinstance(error, (StorageError, UpstreamError))
            log.error("background work failed: %s", error if known else type(error).__name__)

    async def finish(self, seconds: float) -> None:
        """Wait for what is running; what has not ended in time is due again at the next start."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        rest = self._tasks | self._endless
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
