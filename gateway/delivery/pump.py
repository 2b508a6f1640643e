"""Work that is read ahead: the window is always full while the next page is on its way."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from gateway.background import Background

__all__ = ["Pump", "Source"]

T = TypeVar("T")
R = TypeVar("R")


class Source(Protocol[T, R]):
    """Where a pump's items come from, and what is done with each."""

    def room(self) -> int:
        """How many may be under way at this moment."""
        ...

    async def read(self, waiting: Sequence[T], running: Sequence[T], /) -> Sequence[T] | None:
        """The next items, beside those that the pump has already; None: there are no more."""
        ...

    async def work(self, item: T) -> R: ...

    def ended(self, item: T, result: R) -> None: ...


class Pump(Generic[T, R]):
    """`ahead`: the next page is read before there is room for it; without it, only what can begin
    is read, and it begins.

    What is under way when the pump is given up goes on in the background, as does its end.
    """

    def __init__(
        self, source: Source[T, R], background: Background, name: str, *, ahead: bool = True
    ) -> None:
        self._source = source
        self._background = background
        self._name = name
        self._ahead = ahead
        self.ready: deque[T] = deque()
        self.running: dict[asyncio.Task[R], T] = {}
        self._reading: asyncio.Task[Sequence[T] | None] | None = None
        self._dry = False

    async def run(self) -> bool:
        """Runs until there is nothing more; returns whether anything was begun. Raises what the
        source does.
        """
        begun = self._dry = False
        try:
            while True:
                begun = self.start() or begun
                self.read_ahead()
                if not await self.something_ends():
                    return begun
                self.collect()
        finally:
            await self.close()

    def start(self) -> bool:
        """Begins as many as there is room for, and also what was read when there was more room."""
        begun = False
        while self.ready and (not self._ahead or len(self.running) < self._source.room()):
            item = self.ready.popleft()
            task = self._background.keep(self._source.work(item), self._name)
            self.running[task] = item
            begun = True
        return begun

    def read_ahead(self) -> None:
        taken = len(self.ready) + (0 if self._ahead else len(self.running))
        if self._reading is None and not self._dry and taken < self._source.room():
            reading = self._source.read(list(self.ready), list(self.running.values()))
            self._reading = asyncio.create_task(reading, name=f"{self._name}: reading")

    async def something_ends(
        self, *others: "asyncio.Task[Any]", seconds: float | None = None, reading: bool = True
    ) -> bool:
        """False if there is nothing to wait for; `reading`: whether a page is worth waiting for."""
        waits: set[asyncio.Task[Any]] = {*self.running, *others}
        if reading and self._reading is not None:
            waits.add(self._reading)
        if not waits:
            return False
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return True

    def collect(self) -> None:
        """Raises what an item or the reading raised, a StorageError above all."""
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            page = reading.result()
            self._dry = page is None
            self.ready.extend(page or ())
        for task in [task for task in self.running if task.done()]:
            item = self.running.pop(task)
            self._dry = self._dry and self._ahead
            self._source.ended(item, task.result())

    def drop(self) -> None:
        """What was read stays as it was, and nothing more is read."""
        self.ready.clear()
        self._dry = True

    @property
    def is_drained(self) -> bool:
        return self._dry and not self.ready and self._reading is None

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
