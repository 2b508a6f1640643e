"""Fixtures of the whole suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.world import World, a_world

# A busy machine is slow, which says nothing about the product.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway with every flag on that does not retry by itself, wired to the stand-ins."""
    async with a_world(tmp_path, GATEWAY_AUTO_REPLAY="false") as world:
        yield world
