"""A gateway that tries again soon."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.evidence import QUICK, AlertBox, started_quietly
from tests.world import World, a_world

SOON = {**QUICK, "GATEWAY_AUTO_REPLAY": "true", "GATEWAY_RETRY_SCHEDULE": "0.1,0.2,0.3,0.5"}


@pytest.fixture
async def alerts() -> AsyncIterator[AlertBox]:
    async with AlertBox.open() as box:
        yield box


@pytest.fixture
async def quick(tmp_path: Path, alerts: AlertBox) -> AsyncIterator[World]:
    """Short time-outs and delays, administrators told; start-up is over."""
    async with a_world(tmp_path, None, **SOON, ALERT_WEBHOOK_URL=alerts.url) as world:
        await started_quietly(world)
        yield world
