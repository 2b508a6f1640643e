"""Reads go to the database's thread together, and each is told its own."""

import asyncio
import sqlite3
from typing import Any

import pytest

from gateway.errors import StorageError
from gateway.store import Database, database
from tests.store.test_database import notes


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
