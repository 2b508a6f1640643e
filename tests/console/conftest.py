"""A gateway with a console, and visitors of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.visitor import ADMIN, STAFF, Visitor
from tests.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = {"GATEWAY_ADMIN_PASSWORD": ADMIN, "GATEWAY_STAFF_PASSWORD": STAFF}
    async with a_world(tmp_path, None, GATEWAY_AUTO_REPLAY="false", **settings) as world:
        yield world


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[Visitor]:
    async with Visitor(world) as visitor:
        yield visitor


@pytest.fixture
async def admin(world: World) -> AsyncIterator[Visitor]:
    async with Visitor(world) as visitor:
        assert (await visitor.sign_in()).status == 200
        yield visitor


@pytest.fixture
async def staff(world: World) -> AsyncIterator[Visitor]:
    async with Visitor(world) as visitor:
        assert (await visitor.sign_in(STAFF)).status == 200
        yield visitor
