"""Shopify's tokens, and what administrators hear of its failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions
from tests.e2e.evidence import (
    QUICK,
    AlertBox,
    armed,
    assert_problem,
    told,
)
from tests.world import World, a_world


def grant(world_options: ShopifyOptions, **changes: str) -> dict[str, str]:
    return {
        "SHOPIFY_ACCESS_TOKEN": "",
        "SHOPIFY_CLIENT_ID": world_options.client_id,
        "SHOPIFY_CLIENT_SECRET": world_options.client_secret,
        **QUICK,
        **changes,
    }


async def test_the_client_credentials_grant_is_asked_for_once_and_again_on_401(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, None, **grant(ShopifyOptions())) as world:
        both = await asyncio.gather(world.register(number=1), world.register(number=2))
        assert [reply.status for reply in both] == [201, 201]
        assert len(world.sandbox.journal.of("shopify", "token")) == 1
        world.sandbox.shopify.grants.expire()
        assert (await world.register(number=3)).status == 201
        assert len(world.sandbox.journal.of("shopify", "token")) == 2
        assert len(world.sandbox.shopify.customers) == 3


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(token_seconds=1))
    async with a_world(tmp_path, options, **grant(ShopifyOptions())) as world:
        assert (await world.register(number=1)).status == 201
        await asyncio.sleep(1.0)
        world.sandbox.journal.clear()
        assert (await world.register(number=2)).status == 201
        assert [e.status for e in world.sandbox.journal.of("shopify") if e.status == 401] == []


async def test_credentials_that_shopify_does_not_know_are_503_and_told(
    tmp_path: Path, alerts: AlertBox
) -> None:
    wrong = grant(ShopifyOptions(), SHOPIFY_CLIENT_SECRET="wrong", ALERT_WEBHOOK_URL=alerts.url)
    async with a_world(tmp_path, None, **wrong) as world:
        assert_problem(await world.register(), 503)
        await world.until(lambda: alerts.about("Shopify", "auth"))
        assert told(world) == []
        world.set(SHOPIFY_CLIENT_SECRET=ShopifyOptions().client_secret)
        assert (await world.register()).status == 201


# -- administrators


async def test_a_hundred_failures_of_a_kind_are_one_message(quick: World, alerts: AlertBox) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    await asyncio.gather(*(quick.register(number=n) for n in range(1, 101)))
    await quick.until(lambda: alerts.texts)
    assert len(alerts.texts) == 1
    quick.sandbox.faults.clear()
    quick.sandbox.faults.set("shopify", Fault("status", status=401))
    assert_problem(await quick.register(), 503)
    await quick.until(lambda: len(alerts.texts) == 2)
    assert armed(quick, "shopify") == [None]


@asynccontextmanager
async def saying_nothing() -> AsyncIterator[str]:
    """A target that takes the message and never says a word."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in writers:
            writer.close()


@pytest.mark.parametrize("silent", [False, True], ids=["closed", "silent"])
async def test_a_broken_alert_target_hurts_nothing(quick: World, silent: bool) -> None:
    async with saying_nothing() if silent else nullcontext("http://127.0.0.1:9/closed") as target:
        quick.set(ALERT_WEBHOOK_URL=target)
        quick.sandbox.faults.set("shopify", Fault("refuse"))
        began = asyncio.get_running_loop().time()
        assert_problem(await quick.register(), 503)
        quick.sandbox.faults.clear()
        assert (await quick.register()).status == 201
        assert asyncio.get_running_loop().time() - began < 3, "a target is given 5 s"
