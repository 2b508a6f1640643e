"""From PostgreSQL to a file of SQLite: every row as it was, or none. The database is a real one."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.errors import CommandRefused, StorageError
from gateway.store import Database, members, outbox, tally
from gateway.store.migration import tables
from gateway.store.postgres import Postgres, moving, moving_back
from tests.store.postgres.sign_ups import opened
from tests.store.postgres.test_alike import columns, contents
from tests.store.postgres.test_moving import filled, rows_of


def nothing(_: sqlite3.Connection) -> None:
    """Nothing is against these rows."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of the file from which the server's rows came."""
    return filled(tmp_path)


@pytest.fixture
def server(path: Path, url: str) -> str:
    """The URL of one that holds a row in every state of every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        moving.move(source, url, "aa")
    return url


@pytest.fixture
def target(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    asyncio.run(_made(tmp_path / "back.db"))
    with closing(sqlite3.connect(tmp_path / "back.db", isolation_level=None)) as db:
        yield db


async def _made(path: Path) -> None:
    db = Database(path)
    await db.open()
    await db.close()


def held(target: sqlite3.Connection) -> set[int]:
    return {target.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables()}


def test_every_row_comes_back_as_it_was(
    path: Path, server: str, target: sqlite3.Connection, tmp_path: Path
) -> None:
    asyncio.run(_lived(server))
    told: list[int] = []
    found = moving_back.move_back(server, target, nothing, told.append)
    assert {each.table for each in found if not each.source} == set()
    assert all(each.source == each.target for each in found)
    assert told[-1] == sum(each.target for each in found)
    assert {each.table: each.source for each in found} == rows_of(server) | {
        "meta": rows_of(server)["meta"] - 2
    }
    assert target.execute("PRAGMA foreign_key_check").fetchall() == []
    asyncio.run(_are_alike(path, tmp_path / "back.db", server))


async def _lived(url: str) -> None:
    """A gateway was active there, which knows of its server and is of no importance elsewhere."""
    postgres = Postgres(url, lanes=1)
    await postgres.open()
    await postgres.note_origin()
    await postgres.write(lambda db: members.set_meta(db, "clock_offset", "boot 5.0"))
    await postgres.write(_an_action)
    await postgres.write(lambda db: db.execute("DELETE FROM actions WHERE at = 9.5"))
    await postgres.write(lambda db: members.set_meta(db, "members_stamp", "of there"))
    await postgres.close()


async def _are_alike(before: Path, after: Path, url: str) -> None:
    one, other, postgres = Database(before), Database(after), Postgres(url, lanes=1)
    for engine in (one, other, postgres):
        await engine.open()
    try:
        look = contents(await one.read(columns))
        ours, theirs, came = await one.read(look), await other.read(look), await postgres.read(look)
        for rows in (ours, theirs, came):
            del rows["meta"]
        assert theirs == came == ours
        assert await other.read(lambda c: members.get_meta(c, "members_stamp")) == "of there"
        assert await other.read(lambda c: members.get_meta(c, "database_origin")) is None
        assert await other.read(tally.read) == await postgres.read(tally.read)
        for each in (other, postgres):
            await each.write(lambda c: outbox.add(c, 424242, None, opened("email"), 1.0))
            await each.write(_an_action)
        assert await other.read(_highest) == await postgres.read(_highest)
        arrived = "SELECT id FROM events ORDER BY rowid"
        assert await other.read(_all(arrived)) == await postgres.read(_all(arrived))
    finally:
        for engine in (one, other, postgres):
            await engine.close()


def _all(query: str) -> Any:
    return lambda db: [tuple(row) for row in db.execute(query).fetchall()]


def _an_action(db: Any) -> None:
    db.execute("INSERT INTO actions (at, actor, action) VALUES (9.5, 'staff', 'look')")


def _highest(db: Any) -> list[Any]:
    highest = "SELECT (SELECT max(id) FROM deliveries), (SELECT max(id) FROM actions)"
    return [*db.execute(highest).fetchone()]


def test_what_would_come_back_is_counted_and_left_alone(server: str) -> None:
    found = moving_back.count_back(server, nothing)
    assert {each.table: each.source for each in found} == rows_of(server)
    assert {each.target for each in found} == {0}


def test_a_database_that_a_gateway_uses_is_not_copied(
    server: str, target: sqlite3.Connection
) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO gateways (id, host, version, config, started_at, seen_at)
               VALUES ('g', 'shop-a', '1', '', 0, extract(epoch FROM clock_timestamp()))"""
        )
        connection.execute("UPDATE leases SET gateway = 'g'")
    with pytest.raises(CommandRefused, match="A gateway on shop-a uses that database"):
        moving_back.move_back(server, target, nothing)
    assert held(target) == {0}


def test_a_database_that_holds_nothing_is_not_copied(url: str, target: sqlite3.Connection) -> None:
    with pytest.raises(CommandRefused, match="holds nothing"):
        moving_back.move_back(url, target, nothing)


@pytest.mark.parametrize("breaks", ["the connection", "a count"])
def test_a_copy_that_cannot_be_whole_is_none(
    server: str, target: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    before = rows_of(server)

    def breaking(source: Any, to: sqlite3.Connection) -> None:
        if breaks == "a count":
            to.execute("DELETE FROM links")
        else:
            source.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(moving_back, "_go_on_with_ids", breaking)
        with pytest.raises(StorageError) as raised:
            moving_back.move_back(server, target, nothing)
    assert ("counts differ" in str(raised.value)) == (breaks == "a count")
    target.execute("ROLLBACK")
    assert held(target) == {0}
    assert rows_of(server) == before
