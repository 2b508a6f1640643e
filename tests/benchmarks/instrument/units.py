"""The database's thread: each unit of work by name, and the commits around them."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.store import database
from gateway.store.database import Database
from gateway.store.engine import ALONE, Batched, Whom

__all__ = ["Units"]

COMMIT = "BEGIN and COMMIT"

Unit = Callable[[sqlite3.Connection], Any]


class Units:
    """`spent`: nanoseconds by unit, `ran`: how often. `thread`: the database's, once it ran."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.spent: dict[str, int] = {}
        self.ran: dict[str, int] = {}
        self._within = 0
        self._runs: dict[Callable[..., Any], Callable[..., Any]] = {}

    def reset(self) -> None:
        self.spent.clear()
        self.ran.clear()

    def watch(self) -> None:
        """From now on."""
        write, read, apart = Database.write, Database.read, Database._apart
        transaction = database._transaction

        async def timed_write(db: Database, unit: Unit, keys: Whom = ALONE) -> Any:
            return await write(db, self._timed(_name(unit), unit), keys)

        async def timed_read(db: Database, unit: Unit) -> Any:
            return await read(db, self._timed(f"{_name(unit)} (read)", unit))

        async def timed_apart(db: Database, unit: Unit) -> Any:
            return await apart(db, self._timed(f"{_name(unit)} (read)", unit))

        def timed_transaction(connection: sqlite3.Connection, units: Sequence[Unit]) -> list[Any]:
            began, before = time.thread_time_ns(), self._within
            try:
                return transaction(connection, units)
            finally:
                units_alone = self._within - before
                self._add(COMMIT, time.thread_time_ns() - began - units_alone)

        Database.write, Database.read = timed_write, timed_read  # type: ignore[method-assign,assignment]
        Database._apart = timed_apart  # type: ignore[method-assign,assignment]
        database._transaction = timed_transaction

    def _timed(self, name: str, unit: Unit) -> Unit:
        """Units of one kind stay so: they run together if their `run` is the same."""
        if isinstance(unit, Batched):
            if unit.run not in self._runs:
                self._runs[unit.run] = self._measured(name, unit.run)
            return replace(unit, run=self._runs[unit.run])
        return self._measured(name, unit)

    def _measured(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            self.thread = threading.get_ident()
            began = time.thread_time_ns()
            try:
                return function(*args)
            finally:
                took = time.thread_time_ns() - began
                self._within += took
                self._add(name, took)

        return timed

    def _add(self, name: str, took: int) -> None:
        self.spent[name] = self.spent.get(name, 0) + took
        self.ran[name] = self.ran.get(name, 0) + 1


def _name(unit: Any) -> str:
    """What a unit calls: `outbox.settle` of `lambda db: outbox.settle(db, results, now)`."""
    while isinstance(unit, partial | Batched):
        unit = unit.func if isinstance(unit, partial) else unit.run
    code = getattr(unit, "__code__", None)
    names = code.co_names if code is not None else ()
    if code is not None and code.co_name == "<lambda>" and names:
        return ".".join(names[:2])
    module = str(getattr(unit, "__module__", "")).rpartition(".")[2]
    return f"{module}.{getattr(unit, '__qualname__', unit)}".replace(".<locals>", "")
