"""Fixtures of the whole suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.world import World, a_world

settings.register_profile("gateway", deadline=None)
settings.load_profile("gateway")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway with every flag on that does not retry by itself, wired to the stand-ins."""
    async with a_world(tmp_path, GATEWAY_AUTO_REPLAY="false") as world:
        yield world
