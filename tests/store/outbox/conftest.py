"""A database in memory."""

import sqlite3
from collections.abc import Iterator

import pytest

from tests.store.memory import a_connection


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()
