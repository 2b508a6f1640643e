"""Reads go to the database's thread together, and each is told its own; so do writes of a kind."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import StorageError
from gateway.store import Database, database
from gateway.store.engine import Batched
from tests.store.test_database import note, notes


async def test_reads_of_one_moment_share_a_visit_to_the_thread(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits, run = list[None](), database._Connection.run

    async def counted(self: Any, unit: Any) -> Any:
        visits.append(None)
        return await run(self, unit)

    monkeypatch.setattr(database._Connection, "run", counted)
    await asyncio.gather(*(notes(db) for _ in range(50)))
    assert len(visits) == 1


async def test_a_read_that_fails_is_told_to_its_caller_alone(db: Database) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        raise LookupError("not this one")

    def wrong(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT nothing FROM nowhere")

    results = await asyncio.gather(
        notes(db), db.read(failing), db.read(wrong), notes(db), return_exceptions=True
    )
    assert [type(result) for result in results] == [set, LookupError, StorageError, set]


async def test_what_is_batched_runs_once_where_the_first_would_and_each_is_told_its_own(
    db: Database,
) -> None:
    ran: list[Sequence[str]] = []

    def run(connection: sqlite3.Connection, parts: Sequence[str]) -> list[str]:
        ran.append([*parts])
        for part in parts:
            note(part)(connection)
        return [part.upper() for part in parts]

    def count(connection: sqlite3.Connection) -> int:
        number: int = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
        return number

    before = len(await notes(db))
    results = await asyncio.gather(
        db.write(count), db.write(Batched(run, "a")), db.write(count), db.write(Batched(run, "b"))
    )
    assert [*results] == [before, "A", before + 2, "B"]
    assert ran == [["a", "b"]]
    assert await notes(db) >= {"a", "b"}


async def test_many_of_a_kind_run_a_few_at_a_time_and_each_is_told_its_own(db: Database) -> None:
    ran: list[int] = []

    def run(_: sqlite3.Connection, parts: Sequence[int]) -> Sequence[int]:
        ran.append(len(parts))
        return parts

    assert await asyncio.gather(*(db.write(Batched(run, n)) for n in range(40))) == [*range(40)]
    assert ran == [16, 16, 8]


async def test_one_that_cannot_be_run_with_the_others_fails_alone(db: Database) -> None:
    def run(connection: sqlite3.Connection, parts: Sequence[str]) -> Sequence[str]:
        for part in parts:
            note(part)(connection)
        if "bad" in parts:
            raise sqlite3.IntegrityError("CHECK constraint failed")
        return parts

    def other(connection: sqlite3.Connection, parts: Sequence[str]) -> list[int]:
        return [len(parts) for _ in parts]

    results = await asyncio.gather(
        *(db.write(Batched(run, part)) for part in ("good", "bad", "fine")),
        db.write(Batched(other, "x")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, sqlite3.IntegrityError, str, int]
    assert (await notes(db)) & {"good", "bad", "fine"} == {"good", "fine"}
