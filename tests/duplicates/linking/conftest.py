"""A gateway for the tests of links."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing is retried by itself: what a command left undone stays visible."""
    async with a_world(
        tmp_path, GATEWAY_AUTO_REPLAY="false", GATEWAY_UPSTREAM_TIMEOUT="1"
    ) as world:
        yield world
