"""One customer whom Shopify cannot give holds up nobody who is read together with them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Role
from gateway.errors import UpstreamError
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.e2e.herd.backlog import put_aside
from tests.sync.backfill.runs import a_shop, backfill, in_the_shop, numbers
from tests.world import World

PEOPLE = 40


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with a_shop(tmp_path) as world:
        yield world


async def waiting(world: World, people: int = PEOPLE) -> list[int]:
    """So many are owed to the CRM; their ids. The gateway has stopped."""
    ids = [each.id for each in in_the_shop(world.sandbox, people)]
    await world.stop()
    put_aside(world.file, "crm", ids)
    return ids


async def ends(world: World, left: int) -> None:
    """Until only so many still wait."""

    async def number() -> int:
        return len(await world.deliveries(outcomes=(Outcome.PENDING, Outcome.RETRYING)))

    for _ in range(300):
        if await number() == left and not world.core.deliverer.has_work():
            return
        await world.settled()
        await asyncio.sleep(0.02)
    raise AssertionError(f"{await number()} wait")


async def test_the_others_go_and_the_one_has_failed_with_the_reason(shop: World) -> None:
    ids = await waiting(shop)
    shop.sandbox.shopify.unreadable.add(ids[17])
    await shop.start()
    await ends(shop, 0)
    assert numbers(shop.sandbox) == [i for i in ids if i != ids[17]]
    (failed,) = await shop.deliveries(outcomes=(Outcome.FAILED,))
    assert failed.customer_id == ids[17]
    assert "internal error at Shopify" in (failed.message or "")
    shop.sandbox.shopify.unreadable.clear()
    await shop.replay(channel=["crm"])
    assert numbers(shop.sandbox) == ids


async def test_one_who_is_alone_has_failed_as_well(shop: World) -> None:
    ids = await waiting(shop, 1)
    shop.sandbox.shopify.unreadable.add(ids[0])
    await shop.start()
    await ends(shop, 0)
    (failed,) = await shop.deliveries(outcomes=(Outcome.FAILED,))
    assert failed.attempts == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault("refuse"),
        Fault("status", status=503, match="nodes"),
        Fault("status", status=500, match="nodes"),
        Fault("garbage", match="nodes"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
async def test_in_shopifys_own_trouble_all_wait_and_no_batch_is_split(
    shop: World, fault: Fault
) -> None:
    ids = in_the_shop(shop.sandbox, PEOPLE)
    shop.sandbox.journal.clear()
    shop.sandbox.faults.set("shopify", fault)
    with pytest.raises(UpstreamError):
        await shop.core.shopify.read_each(each.id for each in ids)
    assert len(shop.sandbox.journal.of("shopify", "nodes")) <= 4  # reads are repeated once


async def test_what_a_dead_run_left_is_sent_but_for_the_one(shop: World) -> None:
    ids = await waiting(shop)
    await shop.start(Role.COMMAND)
    await shop.core.db.write(lambda db: db.execute("UPDATE deliveries SET kind = 'backfill'"))
    shop.sandbox.shopify.unreadable.add(ids[3])
    shop.sandbox.faults.set("shopify", Fault("hang", match="customers"))  # the list behind them
    run = asyncio.create_task(backfill(shop))
    await shop.until(lambda: len(numbers(shop.sandbox)) == PEOPLE - 1)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await ends(shop, 0)
    assert numbers(shop.sandbox) == [i for i in ids if i != ids[3]]
