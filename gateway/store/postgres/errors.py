"""psycopg's exceptions are translated here: by their codes, never with a value."""

import sqlite3
from typing import Any

import psycopg

from gateway.errors import StorageError

__all__ = [
    "TakenOverError",
    "UndecidedError",
    "WentBackError",
    "is_locked",
    "is_lost",
    "is_passing",
    "of_unit",
    "translated",
]

_PASSING = {"40001", "40P01", "23505"}
"""A transaction that met another one: run again, it finds what that one wrote."""


class TakenOverError(StorageError):
    """Another gateway has this one's place: it must write nothing more."""

    def __init__(self) -> None:
        super().__init__(
            "another gateway has taken this one's place in the database",
            "end this process: what it had accepted is done by the other one",
        )


class WentBackError(TakenOverError):
    """The database lacks what this gateway has committed: what it knows is of another world."""

    def __init__(self) -> None:
        StorageError.__init__(
            self,
            "the database went back: transactions that it had committed are gone from it, as after "
            "the promotion of a replica that was behind",
            "end this process; the next start marks what may have been done since",
        )


class UndecidedError(StorageError):
    """The answer to a COMMIT was lost, and the gateway was stopped before it was known."""

    def __init__(self) -> None:
        super().__init__(
            "the database went away while it wrote: whether it did is not known",
            "see that the database can be reached, then start the gateway again",
        )


def is_passing(error: BaseException) -> bool:
    return isinstance(error, psycopg.Error) and error.sqlstate in _PASSING


def is_locked(error: psycopg.Error) -> bool:
    """Somebody else had the row for too long: perhaps one's own connection that was lost."""
    return error.sqlstate == "55P03"


def is_lost(connection: "psycopg.Connection[Any]") -> bool:
    return connection.closed or connection.broken


_HINTS = {
    "08": "see that the database can be reached, and that it is the one that accepts writes",
    "28": "check the user and the password in GATEWAY_DATABASE_URL",
    "3D": "check the name of the database in GATEWAY_DATABASE_URL, or create it",
    "42": "let the user of GATEWAY_DATABASE_URL own the schema",
    "53": "free some space or connections at the database; nothing accepted so far is lost",
    "57": "wait until the database is up; nothing accepted so far is lost",
    "58": "look at the disk of the database; nothing accepted so far is lost",
    "55": "something holds the rows for too long: end transactions that are idle",
    "25": "name the database that accepts writes: this one is a copy",
}
_CONNECTION = _HINTS["08"]
_OF_THE_UNIT = {"22", "23"}
"""Values that do not fit, and constraints."""


def of_unit(error: psycopg.Error) -> StorageError | sqlite3.IntegrityError:
    """What a unit itself has done wrong is told as on SQLite: it says nothing of the database."""
    known = translated(error)
    if (error.sqlstate or "")[:2] in _OF_THE_UNIT:
        return sqlite3.IntegrityError(str(known))
    return known


def translated(error: psycopg.Error) -> StorageError:
    """PostgreSQL's texts may quote a value, so only its code and the names it gives are told."""
    code = error.sqlstate or ""
    named = (error.diag.constraint_name, error.diag.table_name)
    told = " ".join(each for each in (code, *named) if each)
    text = f"PostgreSQL: {type(error).__name__}{f': {told}' if told else ''}"
    return StorageError(text, _HINTS.get(code[:2], _CONNECTION))
