"""A file of SQLite is copied into PostgreSQL: every row of every table, and the ids that come next.

What is in PostgreSQL when the process dies, and what the next run makes of it: nothing, since all
is one transaction; or, if only its last answer was lost, everything, and the next run says so.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg import sql

from gateway import frozen
from gateway.errors import CommandRefused, StorageError
from gateway.store.migration import tables
from gateway.store.postgres import gateways, ids
from gateway.store.postgres.address import conninfo
from gateway.store.postgres.errors import translated
from gateway.store.postgres.migration import migrate
from gateway.store.postgres.proving import prove
from gateway.store.postgres.session import Session

__all__ = ["ORDER", "STEP", "Counted", "alone", "count", "move", "refuse_difference"]

_LIMITS = """SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL lock_timeout = 3000"""
STEP = 1000
"""Rows after which it is told how many there are."""


@frozen
class Counted:
    """Rows of a table on both sides."""

    table: str
    source: int
    target: int


def count(source: sqlite3.Connection, url: str) -> list[Counted]:
    """What would be copied. Makes the tables; CommandRefused and StorageError as of `move`."""
    with _empty(url):
        return [Counted(table, _rows(source, table), 0) for table in tables()]


def move(
    source: sqlite3.Connection,
    url: str,
    secret: str,
    told: Callable[[int], None] = lambda rows: None,
) -> list[Counted]:
    """Copies what `source` sees at one moment, if the other side holds nothing. `secret`: the hash
    of that by which it is keyed: a gateway that has another is refused there. `told`: of the rows
    so far. CommandRefused for a target that is in use or holds rows; StorageError where a side
    fails, and where the counts differ: then nothing was copied.
    """
    source.execute("BEGIN")
    try:
        with _empty(url) as target:
            done = 0
            for table in tables():
                done = _copy(source, target, table, done, told)
            _go_on_with_ids(source, target)
            found = [Counted(each, _rows(source, each), _rows(target, each)) for each in tables()]
            refuse_difference(found)
            target.execute("UPDATE leases SET secret = ? WHERE name = 'active'", (secret,))
        return found
    finally:
        source.execute("ROLLBACK")


@contextmanager
def _empty(url: str) -> Iterator[sqlite3.Connection]:
    with alone(url) as session:
        target = cast("sqlite3.Connection", session)
        _refuse_rows(target)
        yield target


@contextmanager
def alone(url: str) -> Iterator[Session]:
    """A transaction on today's tables, to which nobody else comes meanwhile."""
    try:
        prove(conninfo(url))
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            migrate(connection)
        session = Session(conninfo(url))
    except psycopg.Error as error:
        raise translated(error) from None
    try:
        session.run(f"BEGIN; {_LIMITS}")
        _refuse_use(session)
        yield session
        session.run("COMMIT")
    except psycopg.Error as error:
        raise translated(error) from None
    finally:
        with suppress(psycopg.Error):
            session.close()


def _refuse_use(session: Session) -> None:
    holder = gateways.held_by(session)
    if holder is not None:
        raise CommandRefused(
            f"A gateway on {holder} uses that database: stop it first. Nothing was done."
        )
    names = ", ".join(tables())
    session.run(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def _refuse_rows(db: sqlite3.Connection) -> None:
    held = {table: _rows(db, table) for table in tables()}
    if any(held.values()):
        told = ", ".join(f"{table} {rows}" for table, rows in held.items() if rows)
        raise CommandRefused(f"That database holds rows already ({told}). Nothing was done.")


def _copy(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    table: str,
    done: int,
    told: Callable[[int], None],
) -> int:
    columns = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    rows = source.execute(f"SELECT {names} FROM {table} {ORDER.get(table, '')}")  # noqa: S608
    with cast(Any, target).connection.cursor().copy(into) as copy:
        for row in rows:
            copy.write_row(tuple(row))
            done += 1
            if done % STEP == 0:
                told(done)
    return done


ORDER = {"events": "ORDER BY rowid"}
"""Where it is the order of arrival."""


def _go_on_with_ids(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """None that was given to a row that is gone by now is given again."""
    given = dict(source.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    for table, column in ids.columns(target):
        highest = target.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0]  # noqa: S608
        ids.raise_to(target, table, column, max(highest, given.get(table, 0)))


def refuse_difference(found: list[Counted]) -> None:
    wrong = [f"{each.table} {each.source} and {each.target}" for each in found if _differs(each)]
    if wrong:
        raise StorageError(
            f"the counts differ ({', '.join(wrong)}), so nothing was copied",
            "tell whoever maintains this",
        )


def _differs(found: Counted) -> bool:
    return found.source != found.target


def _rows(db: sqlite3.Connection, table: str) -> int:
    number: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return number
