"""MAX_COST_EXCEEDED: a page is asked for in smaller ones, which is told once."""

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import SandboxOptions, ShopifyOptions
from gateway.shopify import Created, Roll, documents
from gateway.shopify.client import TooDear
from gateway.shopify.pages import PageSize
from tests.shopify.test_client import GRAPHQL, client
from tests.world import World, a_world

REFUSED = {"errors": [{"message": "…", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}


async def test_the_size_is_halved_until_it_is_allowed_and_stays_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[int] = []

    async def run(size: int) -> int:
        asked.append(size)
        await asyncio.sleep(0)
        if size > 30:
            raise TooDear(documents.ROLL)
        return size

    pages = PageSize("customers")
    assert set(await asyncio.gather(pages.ask(100, run), pages.ask(100, run))) == {25}
    assert asked == [100, 100, 50, 50, 25, 25]
    assert await pages.ask(100, run) == 25
    (told,) = [record.message for record in caplog.records]
    assert "100 customers" in told
    assert "25 at once" in told


async def test_one_that_costs_too_much_alone_is_named() -> None:
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, REFUSED, repeat=True)
        with pytest.raises(UpstreamError, match="MAX_COST_EXCEEDED") as caught:
            await Roll(graphql).page(Created(), None)
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.UNEXPECTED, False)
    assert [r.json["variables"]["first"] for r in said.sent] == [100, 50, 25, 12, 6, 3, 1]


@pytest.mark.parametrize("most", [80.0, 40.0, 22.0], ids=["80", "40", "one alone"])
async def test_everybody_is_read_however_little_a_query_may_cost(
    tmp_path: Path, most: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    options = SandboxOptions(
        shopify=ShopifyOptions(max_cost=most, bucket=1e6, restore=1e5, search_lag=0)
    )
    async with a_world(tmp_path, options, GATEWAY_AUTO_REPLAY="false") as world:
        made = {world.sandbox.shopify.add_customer(email=f"a{n}@example.com").id for n in range(30)}
        assert await listed(world) == made
        assert await changed(world) == made
        assert set(await world.core.shopify.read(sorted(made))) == made
    told = [r.message for r in caplog.records if "MAX_COST" in r.message]
    assert len(told) == 2, "once for pages, once for batches"


async def listed(world: World) -> set[int]:
    found: set[int] = set()
    after = None
    while True:
        page = await world.core.shopify.roll.page(Created(), after)
        found |= {customer.id for customer in page.customers}
        if (after := page.after) is None:
            return found


async def changed(world: World) -> set[int]:
    found: set[int] = set()
    after = None
    while True:
        page = await world.core.shopify.roll.changed(0.0, after)
        found |= {customer.id for customer, _ in page.customers}
        if (after := page.after) is None:
            return found
