"""The SQLite file, in memory, and its thread, on the loop: a unit runs whole, at its own moment."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Generator
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Self, TypeVar

from gateway.store import migration

__all__ = ["Disk", "Thread"]

T = TypeVar("T")


@cache
def _empty() -> bytes:
    """The image of a database that was just made."""
    with_schema = sqlite3.connect(":memory:", isolation_level=None)
    schema = files("gateway.store").joinpath("schema.sql").read_text("utf-8")
    migration._run(with_schema, schema, migration.newest())
    image = with_schema.serialize()
    with_schema.close()
    return image


class Disk:
    """What is committed stays when a gateway dies. `full` refuses each commit; `seconds` (least,
    most) is what a unit takes, and `stall` the chance that it takes up to `stalled` seconds.
    """

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.full = False
        self.seconds = (0.0001, 0.003)
        self.stall = 0.0
        self.stalled = 1.0
        self.commits = 0
        self.fills: Callable[[int], bool] = lambda commit: False
        self._image = _empty()
        self._open: sqlite3.Connection | None = None

    def connect(self) -> sqlite3.Connection:
        """What the last connection had committed, in a connection of its own."""
        self.close()
        self._open = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self._open.deserialize(self._image)
        self._open.row_factory = sqlite3.Row
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._image = self._open.serialize()
            self._open.close()
            self._open = None

    @property
    def image(self) -> sqlite3.Connection:
        """To look into, also once nobody has it open."""
        return self._open if self._open is not None else self.connect()

    def wait(self) -> float:
        if self.stall and self.dice.random() < self.stall:
            return self.dice.uniform(0.0, self.stalled)
        return self.dice.uniform(*self.seconds)


class Thread:
    """In place of aiosqlite's connection: what a gateway's death meets in its queue never runs."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._conn = disk.connect()
        self._queue: deque[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]]
        self._queue = deque()
        self._busy = False

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    async def end(self) -> bool:
        """What was handed in is done first."""
        while self._busy:
            await asyncio.sleep(0.001)
        return False

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((unit, future))
        if not self._busy:
            self._busy = True
            self._soon()
        return await future

    def _soon(self) -> None:
        asyncio.get_running_loop().call_later(self._disk.wait(), self._step)

    def _step(self) -> None:
        unit, future = self._queue.popleft()
        try:
            result = self._run(unit)
        except Exception as error:  # noqa: BLE001 - as a thread hands it over
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)
        if self._queue:
            self._soon()
        else:
            self._busy = False

    def _run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        disk = self._disk
        if getattr(unit, "__name__", "") == "commit":  # of `Database._commit`
            disk.commits += 1
            if disk.full or disk.fills(disk.commits):
                raise sqlite3.OperationalError("database or disk is full")
        return unit(self._conn)
