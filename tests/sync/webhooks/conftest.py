"""A world whose webhooks arrive: the stand-ins send them as the vendors do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from gateway.sync.webhooks import SUBSCRIBED, CustomerEvents
from tests.world import World, a_world


async def connect(world: World) -> None:
    """Both vendors send to where the gateway listens now."""
    for each in list(world.sandbox.shopify.store.subscriptions):
        del world.sandbox.shopify.store.subscriptions[each]
    world.sandbox.smaregi.webhook_url = f"{world.url}/webhooks/smaregi"
    made = await world.core.subscriptions.install(f"{world.url}/webhooks/shopify", [*SUBSCRIBED])
    assert {each.state for each in made} == {"made"}


def customers(world: World) -> CustomerEvents:
    """The handler of Shopify's events."""
    return cast(CustomerEvents, world.core.events.handlers["shopify"])


def hurry(world: World) -> None:
    """Nothing is waited for longer than a test can."""
    customers(world).grace = customers(world).unsaid = 0.1
    world.core.events.handlers["smaregi"].rest = 0.05


async def back(world: World) -> None:
    """A restart, after which the vendors find the gateway again."""
    await world.restart()
    hurry(world)
    await connect(world)


@pytest.fixture
async def hooked(tmp_path: Path) -> AsyncIterator[World]:
    """Every flag on, customers made elsewhere are welcome, nothing is retried by itself."""
    async with a_world(
        tmp_path, None, GATEWAY_AUTO_REPLAY="false", SHOPIFY_SYNC_OTHERS="true"
    ) as world:
        hurry(world)
        await connect(world)
        yield world
