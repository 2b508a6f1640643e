"""A change whose answer is lost, or that Shopify cannot take now."""

import asyncio
from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import Fault
from tests.e2e.evidence import assert_problem, told
from tests.sync.updates.patching import contact, member, patch, registered, updates
from tests.world import World


async def test_the_same_change_again_writes_nothing(world: World) -> None:
    number = await registered(world)
    await patch(world, number, last_name="佐藤", phone="090-5555-4444")
    world.sandbox.journal.clear()
    reply = await patch(world, number, last_name="佐藤", phone="090-5555-4444")
    assert reply.body["status"] == "complete"
    assert set(reply.body["channels"]) == {"smaregi", "crm"}
    assert list(world.sandbox.journal.writes("shopify")) == told(world) == []


@pytest.mark.parametrize("match", ["customerUpdate", "ConsentUpdate", "AddressUpdate"])
async def test_a_change_whose_answer_was_lost_is_made_again(world: World, match: str) -> None:
    number = await registered(world)
    world.sandbox.faults.set("shopify", Fault("drop", times=1, match=match))
    address = {"postal_code": "530-0001", "city": "大阪市北区", "address1": "梅田1-1"}
    reply = await patch(world, number, last_name="佐藤", accepts_marketing=False, address=address)
    assert reply.status == 200, reply.body
    assert member(world)["lastName"] == "佐藤"
    assert member(world)["mailReceiveFlag"] == "0"
    assert "梅田" in member(world)["address"]


async def test_where_shopify_cannot_be_reached_it_is_503_and_the_channels_follow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    change = world.core.shopify.change

    async def loses_its_answer(*arguments: Any) -> Any:
        await change(*arguments)
        raise UpstreamError("shopify", "customerUpdate", ErrorClass.TIMEOUT, "no answer")

    monkeypatch.setattr(world.core.shopify, "change", loses_its_answer)
    reply = await patch(world, number, last_name="佐藤")
    assert_problem(reply, 503)
    assert reply.headers["Retry-After"]
    assert "registration" not in reply.body["detail"]
    assert await updates(world) == ["pending", "pending"]
    assert told(world) == []
    await world.restart()
    await world.until(lambda: member(world)["lastName"] == contact(world)["lastname"] == "佐藤")


async def test_nothing_is_sent_where_nothing_changed_after_a_503(world: World) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    world.sandbox.faults.set("shopify", Fault("refuse"))
    assert_problem(await patch(world, number, last_name="佐藤"), 503)
    world.sandbox.faults.clear()
    await world.restart()
    async with asyncio.timeout(30):
        while await updates(world) != ["delivered", "delivered"]:
            await asyncio.sleep(0.01)
    assert told(world) == []
