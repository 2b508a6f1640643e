"""The schema in memory, for queries that need no file, and a database of it that needs no disk."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import StorageError
from gateway.store import Database, tally
from gateway.store.engine import ALONE, Unit, Whom
from gateway.store.paging import Run

__all__ = ["MemoryDatabase", "a_connection", "at_once", "units_of"]

T = TypeVar("T")


def a_connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(_empty())
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    tally.keep(connection)
    return connection


@cache
def _empty() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        schema = files("gateway.store").joinpath("schema.sql")
        connection.executescript(schema.read_text("utf-8"))
        return connection.serialize()


class MemoryDatabase(Database):
    """`breaks`: so many of the next writes fail, as on a full disk; `writes` counts them."""

    def __init__(self) -> None:
        super().__init__(Path("memory.db"))
        self.connection = a_connection()
        self.breaks = 0
        self.writes = 0

    async def read(self, unit: Unit[T]) -> T:
        await asyncio.sleep(0)
        return unit(self.connection)

    async def browse(self, unit: Unit[T]) -> T:
        return await self.read(unit)

    async def write(self, unit: Unit[T], keys: Whom = ALONE) -> T:
        await asyncio.sleep(0)
        self.writes += 1
        if self.breaks:
            self.breaks -= 1
            raise StorageError("the disk is full", "free some space")
        self.connection.execute("BEGIN")
        try:
            result = unit(self.connection)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return result


def units_of(connection: sqlite3.Connection) -> Run:
    """Runs units as `Database.write` does, without waiting."""

    async def run(unit: Callable[[sqlite3.Connection], Any]) -> Any:
        return unit(connection)

    return run


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")
