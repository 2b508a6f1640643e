"""How SQLite is to treat the file."""

import sqlite3

__all__ = ["prepare"]


def prepare(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        "busy_timeout = 5000",
        "cache_size = -16000",
        "temp_store = MEMORY",
        "journal_size_limit = 0",
    ):
        connection.execute(f"PRAGMA {pragma}")
