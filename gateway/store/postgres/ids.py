"""Which ids are given next."""

import sqlite3

__all__ = ["columns", "last", "raise_to", "skip"]


def columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Tables and their columns that are numbered by themselves."""
    found = db.execute(
        """SELECT table_name, column_name FROM information_schema.columns
           WHERE table_schema = current_schema() AND is_identity = 'YES' ORDER BY table_name"""
    )
    return [(table, column) for table, column in found]


def skip(db: sqlite3.Connection, number: int) -> None:
    """So many are given to nobody."""
    for table, column in columns(db):
        sequence = _sequence(db, table, column)
        db.execute(f"SELECT setval(?, (SELECT last_value FROM {sequence}) + ?)", (sequence, number))  # noqa: S608


def last(db: sqlite3.Connection, table: str, column: str) -> int:
    """The highest that was given, whether its row is still there or not; 0 before the first."""
    sequence = _sequence(db, table, column)
    number, was_given = db.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()  # noqa: S608
    return int(number) if was_given else 0


def raise_to(db: sqlite3.Connection, table: str, column: str, last: int) -> None:
    """None up to `last` is given again."""
    if last:
        db.execute("SELECT setval(?, ?)", (_sequence(db, table, column), last))


def _sequence(db: sqlite3.Connection, table: str, column: str) -> str:
    """Its name, quoted as SQL wants it."""
    name: str = db.execute("SELECT pg_get_serial_sequence(?, ?)", (table, column)).fetchone()[0]
    return name
