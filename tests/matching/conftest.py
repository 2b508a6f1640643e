"""An index with its Smaregi, for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.matching import scan
from tests.matching.index_world import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(tmp_path / "gateway.db")
    await made.db.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(scan, "FULL_PAGE", 10)
    return 10
