"""Remembers what was just read, and shares one reading among all who ask at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

__all__ = ["RecentReads"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentReads(Generic[K, V]):
    """Keeps at most `most` values, none older than `seconds` since it was asked for.

    An error goes to everybody who waited for it, and is not stored. A caller who leaves cancels
    nobody's reading. `clock` is monotonic.
    """

    def __init__(
        self,
        read: Callable[[K], Coroutine[Any, Any, V]],
        clock: Callable[[], float],
        *,
        seconds: float,
        most: int,
    ) -> None:
        self._read = read
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._kept: dict[K, tuple[float, V]] = {}
        self._running: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> tuple[str, V]:
        """(`cached`, `shared` or `read`; the value)"""
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[0]:
            return "cached", kept[1]
        running = self._running.get(key)
        if running is not None:
            return "shared", await asyncio.shield(running)
        return "read", await asyncio.shield(self._begin(key))

    def _begin(self, key: K) -> "asyncio.Task[V]":
        task = asyncio.create_task(self._read(key))
        self._running[key] = task
        task.add_done_callback(partial(self._ended, key, self._clock() + self._seconds))
        return task

    def _ended(self, key: K, until: float, task: "asyncio.Task[V]") -> None:
        self._running.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._kept.pop(key, None)
        self._kept[key] = until, task.result()
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
