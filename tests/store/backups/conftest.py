"""A database with somebody in it, closed; and what a backup of it is."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.store import Database, Keys, PagedCopy, backups, rekeying, secret_path

SEALED = b"sealed data of a sign-up that is under way" * 20
MADE_AT = 1_795_900_000.0

Make = Callable[[Path], Any]


def run(path: Path, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return db.execute(sql, values).fetchall()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """With a sign-up under way and a link; keyed by the secret in its file."""
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "gateway.db"
    db = Database(path)
    keys = Keys.load(None, path)
    await db.open()

    def fill(connection: sqlite3.Connection) -> None:
        rekeying.set_used(connection, {keys.fingerprint: None})
        connection.execute(
            """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at)
               VALUES ('r1', 'waiting', x'01', x'02', 1, 1)"""
        )
        connection.execute("INSERT INTO intents VALUES ('r1', ?, 1)", (SEALED,))
        connection.execute(
            """INSERT INTO links (channel, customer_id, reference, created_at, updated_at)
               VALUES ('smaregi', 7, '70', 1, 1)"""
        )

    await db.write(fill)
    await db.close()
    return path


@pytest.fixture
async def backup(path: Path, tmp_path: Path) -> Path:
    """Of `path`, with its secret beside it."""
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "monday.db"
    await made(path, file)
    return file


async def made(path: Path, file: Path) -> backups.Backup:
    db = Database(path)
    await db.open()
    await db.copy(PagedCopy(backups.draft_of(file)))
    await db.close()
    found = backups.finish(backups.draft_of(file), MADE_AT)
    backups.keep_secret(file, secret_path(path).read_text().split())
    backups.place(backups.draft_of(file), file)
    return found
