"""The schema in memory, for queries that need no file."""

import sqlite3
from importlib.resources import files

from gateway.store import tally

__all__ = ["a_connection"]


def a_connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(files("gateway.store").joinpath("schema.sql").read_text("utf-8"))
    tally.keep(connection)
    return connection
