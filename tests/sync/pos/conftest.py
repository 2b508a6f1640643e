"""A world with webhooks from both sides, where changes at the till go on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sync.webhooks import worker
from tests.sync.webhooks.conftest import connect
from tests.world import World, a_world


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "IDLE", 0.05)


@pytest.fixture
async def synced(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, SMAREGI_SYNC_CHANGES="true") as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        yield world
