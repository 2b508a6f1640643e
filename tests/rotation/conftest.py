"""A gateway with short time-outs, whose secret is the one that goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.evidence import IMPATIENT, started_quietly
from tests.rotation.rotating import OLD
from tests.world import World, a_world


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[World]:
    settings = {**IMPATIENT, "GATEWAY_RETRY_SCHEDULE": "300", "GATEWAY_SECRET": OLD}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        yield world
