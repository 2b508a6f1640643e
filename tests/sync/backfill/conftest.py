"""A gateway beside stand-ins without limits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sync.backfill.runs import a_shop
from tests.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_shop(tmp_path) as world:
        yield world
