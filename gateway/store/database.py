"""The SQLite file: one connection, one writer, commits of concurrent requests in groups.

All SQL lives in plain functions of a connection (`gateway.store.engine`). Units that arrive during
a commit share the next one (a fsync costs the same for one as for fifty), and reads share a visit
to the thread (`gateway.store.together`). A unit that writes sees the context of its caller, and so
the request for which it writes (`gateway.background`).
"""

import asyncio
import contextlib
import contextvars
import logging
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from gateway.errors import StorageError
from gateway.store import members, tally
from gateway.store.copying import PagedCopy
from gateway.store.disk import left_for, taken_by
from gateway.store.engine import ALONE, Batched, Unit, Whom
from gateway.store.migration import migrate
from gateway.store.pragmas import prepare
from gateway.store.pulse import Pulse
from gateway.store.rewinding import Rewound, rewind, skip_ids
from gateway.store.sqlite_errors import translated
from gateway.store.together import Together, finished, run_all

__all__ = ["Database", "Unit"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class _Connection(aiosqlite.Connection):
    """aiosqlite's thread, given whole units at once instead of one call for each statement."""

    copy: PagedCopy | None = None  # under way: it has the thread, and runs others' units
    _stopped: "asyncio.Future[Any] | None" = None

    def stop(self) -> "asyncio.Future[Any] | None":
        """Remembers the stop, since aiosqlite stops by itself, unawaited, if it cannot connect."""
        self._stopped = self._stopped or super().stop()
        return self._stopped

    async def end(self) -> bool:
        """Until the thread has ended: one that lives on would keep the process from ending, and
        would find its loop closed. Whether the caller was cancelled meanwhile.
        """
        if self._thread.ident is None:  # never started
            return False
        stopped = self.stop()
        return stopped is not None and await finished(stopped)

    async def run(self, unit: Unit[T]) -> T:
        if self.copy is not None:
            return await self.copy.run(unit, self._conn)
        return await self.alone(unit)

    async def alone(self, unit: Unit[T]) -> T:
        execute: Callable[..., Awaitable[T]] = self._execute
        return await execute(unit, self._conn)


def _in_context(unit: Unit[T]) -> Unit[T]:
    context = contextvars.copy_context()
    return lambda connection: context.run(unit, connection)


def _transaction(connection: sqlite3.Connection, units: Sequence[Unit[Any]]) -> list[Any]:
    """All units in one durable transaction; a unit that raises undoes only itself."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = _together(connection, units)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return results


def _together(connection: sqlite3.Connection, units: Sequence[Unit[Any]]) -> list[Any]:
    """Savepoints cost as much as the units, so they are used only after a unit has raised."""
    try:
        return run_all(connection, units)
    except Exception as error:
        if not _is_the_units_own(error):
            raise
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        return [_savepoint(connection, unit) for unit in units]


def _is_the_units_own(error: BaseException) -> bool:
    """Whether the unit caused the error, and not the database beneath all units."""
    database = isinstance(error, sqlite3.DatabaseError)
    return isinstance(error, Exception) and (
        not database or isinstance(error, sqlite3.IntegrityError)
    )


def _savepoint(connection: sqlite3.Connection, unit: Unit[T]) -> T | Exception:
    connection.execute("SAVEPOINT unit")
    try:
        result: T | Exception = unit(connection)
    except Exception as error:
        if not _is_the_units_own(error):
            raise
        result = error
    if isinstance(result, Exception):
        connection.execute("ROLLBACK TO unit")
    connection.execute("RELEASE unit")
    return result


class Database:
    """Owns the file at `path`; the caller holds the lock beside it (`store.ownership`)."""

    is_shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: _Connection | None = None
        self.pulse = Pulse()
        self._writes = Together(self._commit, "database writer", self.pulse, writes=True)
        self._reads = Together(self._answer, "database reader", self.pulse, writes=False)
        self._identity: tuple[int, int] | None = None
        self._copying = asyncio.Lock()
        self._browsing = asyncio.Lock()
        self.is_new = False  # whether `open` has made it

    @property
    def place(self) -> str:
        return str(self.path.absolute())

    async def size(self) -> int:
        return await asyncio.to_thread(taken_by, self.path)

    async def free(self) -> int | None:
        return await asyncio.to_thread(left_for, self.path)

    async def open(self) -> None:
        connection = _Connection(self._connect, 64)
        try:
            self.path.touch(mode=0o600)
            await connection
            self._connection = connection
            await connection.run(prepare)
            self.is_new = await connection.run(lambda c: migrate(c, self.path))
            await connection.run(tally.keep)
        except BaseException as error:  # cancelled, too: Ctrl-C during the start
            self._connection = None
            await connection.end()
            if isinstance(error, (sqlite3.Error, OSError, StorageError)):
                raise translated(error, self.path) from None
            raise
        self._identity = _identity(self.path)

    def _connect(self) -> sqlite3.Connection:
        """Opens nothing on the disk yet, so it cannot fail in aiosqlite's start-up."""
        connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=256)
        connection.row_factory = sqlite3.Row
        return connection

    async def close(self) -> None:
        """As a whole, even where the caller is cancelled meanwhile."""
        cancelled = await self._writes.end() | await self._reads.end()
        connection, self._connection = self._connection, None
        if connection is not None:
            cancelled |= await connection.end()
        if cancelled:
            raise asyncio.CancelledError

    def write(self, unit: Unit[T], keys: Whom = ALONE) -> Awaitable[T]:  # noqa: ARG002 - one writes here
        """Runs `unit` in a transaction; it is on disk when this returns. Raises StorageError."""
        unit = unit if isinstance(unit, Batched) else _in_context(unit)
        return self._writes.result_of(unit)

    def read(self, unit: Unit[T]) -> Awaitable[T]:
        """Run `unit` outside a transaction; it sees every finished write."""
        return self._reads.result_of(unit)

    async def browse(self, unit: Unit[T]) -> T:
        """As `read`, for whoever looks through many rows: one of them at a time, so that a sign-up
        waits behind one, however many commands there are.
        """
        async with self._browsing:
            return await self._apart(unit)

    async def _apart(self, unit: Unit[T]) -> T:
        """A read that takes long: none that is short waits for its end to be told its own."""
        with self.pulse.reading():
            try:
                return await self._opened().run(unit)
            except sqlite3.Error as error:
                raise translated(error, self.path) from None

    async def copy(self, copy: PagedCopy) -> None:
        """Makes the copy while everything goes on; one at a time. Raises StorageError."""
        async with self._copying:
            connection = self._opened()
            connection.copy = copy
            making = asyncio.ensure_future(connection.alone(copy.make))
            try:
                await asyncio.shield(making)
            finally:
                copy.end()
                await asyncio.wait({making})
                connection.copy = None
                await connection.alone(copy.rest)

    def _opened(self) -> _Connection:
        if self._connection is None:
            raise StorageError("the database is closed", "start the gateway again")
        return self._connection

    async def _commit(self, units: Sequence[Unit[Any]]) -> Sequence[Any]:
        def commit(connection: sqlite3.Connection) -> list[Any]:
            self._check_file()
            return _transaction(connection, units)

        return await self._told(commit, len(units))

    async def _answer(self, units: Sequence[Unit[Any]]) -> Sequence[Any]:
        return await self._told(lambda c: [self._read(c, unit) for unit in units], len(units))

    def _read(self, connection: sqlite3.Connection, unit: Unit[T]) -> T | Exception:
        try:
            return unit(connection)
        except sqlite3.Error as error:
            return translated(error, self.path)
        except Exception as error:  # noqa: BLE001 - its caller is told
            return error

    async def _told(self, together: Unit[Sequence[Any]], units: int) -> Sequence[Any]:
        """What fails for all of them is each one's result."""
        try:
            return await self._opened().run(together)
        except Exception as error:
            if not isinstance(error, (sqlite3.Error, OSError, StorageError)):
                log.exception("the database broke")
            return [translated(error, self.path)] * units

    def _check_file(self) -> None:
        """Commits into a file that was deleted or replaced would vanish with our handle."""
        if _identity(self.path) != self._identity:
            raise StorageError(
                "the database file was deleted or replaced while the gateway runs",
                f"put {self.path.name} back, or restart the gateway to go on with the new file",
            )

    async def put_back(self) -> str | None:
        """Never found out: `restore` marks what it puts back, and `database restored` the rest."""
        return None

    async def note_origin(self) -> None:
        pass

    async def rewind(self, unrecognised: Collection[str], now: float) -> Rewound:
        def unit(connection: sqlite3.Connection) -> Rewound:
            skip_ids(connection)
            return rewind(connection, unrecognised, now)

        return await self.write(unit)

    def now(self) -> float:
        return time.time()  # nobody else writes here

    async def prove(self) -> None:
        await self.write(lambda db: members.set_meta(db, "proved_at", repr(self.now())))

    async def checkpoint(self) -> None:
        """Moves the journal into the file and empties it, so that wiped intents leave no bytes."""
        await self._apart(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - on the hot path, once a group of commits
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino
