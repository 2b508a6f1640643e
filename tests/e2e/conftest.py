"""Worlds for the tests of failure."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.evidence import IMPATIENT, QUICK, AlertBox, started_quietly
from tests.steady_time import run
from tests.world import World, a_world


@pytest.fixture(scope="session", autouse=True)
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a process loads once is not loaded at the expense of the short time-outs here."""

    async def one_registration() -> None:
        async with a_world(tmp_path_factory.mktemp("warm")) as world:
            await world.register()

    run(one_registration())


@pytest.fixture
async def alerts() -> AsyncIterator[AlertBox]:
    async with AlertBox.open() as box:
        yield box


@pytest.fixture
async def quick(tmp_path: Path, alerts: AlertBox) -> AsyncIterator[World]:
    """No retries by itself, administrators told; start-up is over."""
    async with a_world(tmp_path, None, **QUICK, ALERT_WEBHOOK_URL=alerts.url) as world:
        await started_quietly(world)
        yield world


@pytest.fixture
async def impatient(tmp_path: Path, alerts: AlertBox) -> AsyncIterator[World]:
    """As `quick`, with short time-outs: for what hangs."""
    async with a_world(tmp_path, None, **IMPATIENT, ALERT_WEBHOOK_URL=alerts.url) as world:
        await started_quietly(world)
        yield world


@pytest.fixture
async def quiet(world: World) -> World:
    """The ordinary world, start-up over: from here on the journal holds the test's requests."""
    await started_quietly(world)
    return world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def untouched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """As `quiet`, but one for all requests that must leave no trace: each test proves that."""
    folder = tmp_path_factory.mktemp("untouched")
    no_limit = {"GATEWAY_AUTO_REPLAY": "false", "GATEWAY_RATE_LIMIT": "100000"}
    async with a_world(folder, None, **no_limit) as world:
        await started_quietly(world)
        yield world
