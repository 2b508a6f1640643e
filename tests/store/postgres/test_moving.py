"""From a file of SQLite to PostgreSQL: every row as it was, or none. The database is a real one."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.errors import CommandRefused, StorageError
from gateway.store import Database, outbox, tally
from gateway.store.migration import tables
from gateway.store.postgres import Postgres, moving
from tests.store.postgres.sign_ups import opened
from tests.store.postgres.steps import note
from tests.store.postgres.test_alike import columns, contents
from tests.store.test_migration import old_file

_BELOW = """
INSERT OR REPLACE INTO duplicate_queue VALUES (1, NULL, x'00ff');
INSERT OR REPLACE INTO signup_evidence (customer_id, email_key) VALUES (7, x'0a0b5c');
INSERT INTO identities VALUES ('shopify', '1', '', 'shop', 1.5);
INSERT INTO removals VALUES (1, 'gone', 'noticed', 1.5, 1.5), (2, 'redact', 'begun', 1.5, 1.5),
    (3, 'exists', 'held', 1.5, 1.5), (4, 'gone', 'confirmed', 1.5, 1.5),
    (5, 'gone', 'dropped', 1.5, 1.5);
INSERT INTO actions (at, actor, action, why) VALUES (1.5, 'staff', 'look', 'tab\there, \\N ''');
INSERT INTO actions (at, actor, action, why) VALUES (2.5, 'staff', 'look', '山田 line
and line');
"""
_STATES = {
    "points_orders": ("waiting", "held", "skipped", "dry_run", "ignored", "given", "failed"),
    "points_movements": ("owed", "sent", "done", "stuck", "void"),
    "points_reservations": ("pending", "active", "closing", "used", "released", "refused"),
}
_PLAIN = {"TEXT": "text", "INTEGER": 0, "REAL": 1795884977.956317, "BLOB": b"\\x00'\xff"}


def filled(folder: Path) -> Path:
    """A file of today's schema, with rows in every state in every table."""
    path = old_file(folder)
    asyncio.run(_opened(path))
    numbers = count(1)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(_BELOW)
        for table, states in _STATES.items():
            for state in states:
                _add(db, table, next(numbers), state=state)
        for kind in ("twice", "unknown", "cancelled", "differs"):
            _add(db, "points_drift", next(numbers), kind=kind)
        _add(db, "points_uses", next(numbers))
        db.execute("DELETE FROM actions WHERE at = 1.5")
        db.execute("UPDATE meta SET value = 'a\\0b' WHERE key = 'members_stamp'")
    return path


def _add(db: sqlite3.Connection, table: str, number: int, **known: str) -> None:
    """With something in every column that must have it, and in every second other one."""
    values: dict[str, Any] = dict(known)
    for column in db.execute(f"PRAGMA table_info({table})").fetchall():
        _, name, kind, needed, *_ = column
        if name in values or not (needed or number % 2 or column[5]):
            continue
        values[name] = number if kind == "INTEGER" else _PLAIN[kind]
        if kind == "TEXT" and name in {"uuid", "code", "head_id"}:
            values[name] = f"{name} {number}"
    values.pop("way", None)
    if table == "points_movements":
        values |= {"order_id": number, "reservation_id": None}
    names = ", ".join(values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})",
               [*values.values()])  # fmt: skip


async def _opened(path: Path) -> None:
    db = Database(path)
    await db.open()
    await db.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(filled(tmp_path), isolation_level=None)) as db:
        yield db


def rows_of(url: str) -> dict[str, int]:
    with psycopg.connect(url) as target:
        return {
            table: target.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0]  # type: ignore[index]
            for table in tables()
        }


def test_every_row_of_every_table_arrives_as_it_was(
    source: sqlite3.Connection, url: str, tmp_path: Path
) -> None:
    found = moving.move(source, url, "aa")
    assert {each.table for each in found if not each.source} == set()
    assert {each.table: each.target for each in found} == rows_of(url)
    with psycopg.connect(url) as target:
        assert target.execute("SELECT secret FROM leases").fetchall() == [("aa",)]
    asyncio.run(_is_alike(tmp_path / "gateway.db", url))


async def _is_alike(path: Path, url: str) -> None:
    db, postgres = Database(path), Postgres(url, lanes=1)
    await db.open()
    await postgres.open()
    try:
        look = contents(await db.read(columns))
        theirs, ours = await db.read(look), await postgres.read(look)
        known = "\N{REPLACEMENT CHARACTER}"
        theirs["meta"] = [row.replace("\\x00", known) for row in theirs["meta"]]
        assert ours == theirs
        assert await postgres.read(tally.read) == await db.read(tally.read)
        assert await postgres.put_back() is None
        for engine in (db, postgres):
            await engine.write(lambda c: outbox.add(c, 424242, None, opened("email"), 1.0))
            await engine.write(_an_action)
        assert await postgres.read(_highest) == await db.read(_highest)
    finally:
        await postgres.close()
        await db.close()


def _an_action(db: Any) -> None:
    db.execute("INSERT INTO actions (at, actor, action) VALUES (9.5, 'staff', 'look')")


def _highest(db: Any) -> list[Any]:
    highest = "SELECT (SELECT max(id) FROM deliveries), (SELECT max(id) FROM actions)"
    return [*db.execute(highest).fetchone()]


def test_what_would_be_copied_is_counted_and_left_alone(
    source: sqlite3.Connection, url: str
) -> None:
    found = moving.count(source, url)
    assert all(each.source for each in found)
    assert {*rows_of(url).values()} == {0}


async def test_a_database_that_holds_rows_is_left_alone(
    source: sqlite3.Connection, url: str, postgres: Postgres
) -> None:
    await postgres.write(note("theirs"))
    await postgres.close()
    with pytest.raises(CommandRefused, match=r"holds rows already \(meta 1\)"):
        moving.move(source, url, "aa")
    assert sum(rows_of(url).values()) == 1


def test_a_database_that_a_gateway_uses_is_left_alone(source: sqlite3.Connection, url: str) -> None:
    moving.count(source, url)
    with psycopg.connect(url, autocommit=True) as target:
        target.execute(
            """INSERT INTO gateways (id, host, version, config, started_at, seen_at)
               VALUES ('g', 'shop-a', '1', '', 0, extract(epoch FROM clock_timestamp()))"""
        )
        target.execute("UPDATE leases SET gateway = 'g'")
        with pytest.raises(CommandRefused, match="A gateway on shop-a uses that database"):
            moving.move(source, url, "aa")
        target.execute("UPDATE gateways SET seen_at = seen_at - 60")
    assert moving.move(source, url, "aa")


@pytest.mark.parametrize("breaks", ["the connection", "a count"])
def test_a_copy_that_cannot_be_whole_is_none(
    source: sqlite3.Connection, url: str, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    def breaking(_: sqlite3.Connection, target: Any) -> None:
        if breaks == "a count":
            target.execute("DELETE FROM links")
        else:
            target.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(moving, "_go_on_with_ids", breaking)
    with pytest.raises(StorageError) as raised:
        moving.move(source, url, "aa")
    assert ("counts differ" in str(raised.value)) == (breaks == "a count")
    assert {*rows_of(url).values()} == {0}
    monkeypatch.undo()
    assert moving.move(source, url, "aa")
