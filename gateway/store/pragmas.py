"""How SQLite is to treat the file."""

import sqlite3

__all__ = ["prepare"]

_JOURNAL = 1000 * 4120
"""Bytes that the journal has when SQLite folds it in: so it is written over in its place, which
costs the disk less than letting it grow anew. Housekeeping cuts it off soon after each sign-up.
"""


def prepare(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        "busy_timeout = 5000",
        "cache_size = -2000",
        "temp_store = MEMORY",
        f"journal_size_limit = {_JOURNAL}",
    ):
        connection.execute(f"PRAGMA {pragma}")
