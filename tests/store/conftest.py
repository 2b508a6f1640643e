"""A database of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import Database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gateway.db")
    await database.open()
    try:
        yield database
    finally:
        await database.close()
