"""A PostgreSQL is copied into a file of SQLite: every row, and the ids that come next.

PostgreSQL stays as it is. What is in the file when the process dies is one transaction's: the
caller gives it its name once all of it is there.
"""

import sqlite3
from collections.abc import Callable
from typing import cast

from psycopg.rows import tuple_row

from gateway.errors import CommandRefused
from gateway.store.migration import tables
from gateway.store.postgres import ids
from gateway.store.postgres.moving import ORDER, STEP, Counted, alone, refuse_difference
from gateway.store.postgres.session import Session

__all__ = ["count_back", "move_back"]

_TAKEN = {"meta": "WHERE key NOT IN ('database_origin', 'clock_offset')"}
"""Left behind: which server it was, and how a machine's clock was set when a file was in use."""

Proof = Callable[[sqlite3.Connection], object]


def count_back(url: str, prove: Proof) -> list[Counted]:
    """What would be copied; errors as of `move_back`."""
    with alone(url) as source:
        _refuse(source, prove)
        return [Counted(table, _rows(source, table), 0) for table in tables()]


def move_back(
    url: str,
    target: sqlite3.Connection,
    prove: Proof,
    told: Callable[[int], None] = lambda rows: None,
) -> list[Counted]:
    """Into the empty tables of `target`. `prove` raises what is against these rows; `told`: of the
    rows so far. CommandRefused for a source that is in use or holds nothing; StorageError where a
    side fails, and where the counts differ: then nothing was copied.
    """
    with alone(url) as source:
        _refuse(source, prove)
        target.execute("PRAGMA journal_mode = MEMORY")  # one file, with no journal beside it
        target.execute("BEGIN IMMEDIATE")
        done = 0
        for table in tables():
            done = _copy(source, target, table, done, told)
        _go_on_with_ids(source, target)
        found = [Counted(each, _rows(source, each), _rows(target, each)) for each in tables()]
        refuse_difference(found)
        target.execute("COMMIT")
    return found


def _refuse(source: Session, prove: Proof) -> None:
    prove(cast("sqlite3.Connection", source))
    if not any(_rows(source, table) for table in tables()):
        raise CommandRefused("That database holds nothing to be copied. Nothing was done.")


def _copy(
    source: Session,
    target: sqlite3.Connection,
    table: str,
    done: int,
    told: Callable[[int], None],
) -> int:
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    query = f"SELECT {names} FROM {table} {_TAKEN.get(table, '')} {ORDER.get(table, '')}"  # noqa: S608
    with source.connection.cursor("rows", row_factory=tuple_row) as rows:
        rows.execute(query.encode())
        while page := rows.fetchmany(STEP):
            target.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", page)  # noqa: S608
            done += len(page)
            told(done)
    return done


def _go_on_with_ids(source: Session, target: sqlite3.Connection) -> None:
    """None that was given to a row that is gone by now is given again."""
    db = cast("sqlite3.Connection", source)
    numbered = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
    by_sqlite = {row[0] for row in target.execute(numbered)}
    for table, column in ids.columns(db):
        if table in by_sqlite and (last := ids.last(db, table, column)):
            target.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))


def _rows(db: "Session | sqlite3.Connection", table: str) -> int:
    number: int = db.execute(
        f"SELECT count(*) FROM {table} {_TAKEN.get(table, '')}"  # noqa: S608
    ).fetchone()[0]  # type: ignore[index]
    return number
