"""A channel does what it was asked, and its answer is lost."""

import asyncio

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    armed,
    everything_arrived_once,
)
from tests.world import TARO, World

LOST = {
    "a new member": ("smaregi", "POST /customers"),
    "a linked member": ("smaregi", "PATCH /customers"),
    "a new contact": ("crm", "POST /contacts"),
    "a known contact": ("crm", "PATCH /contacts"),
    "a mail": ("email", "DATA"),
}


def prepared(world: World, name: str) -> None:
    """Whom the channel knows beforehand."""
    if name == "a linked member":
        world.sandbox.smaregi.add(
            customerCode="C0001", lastName="山田", firstName="太郎", mailAddress=TARO["email"]
        )
    if name == "a known contact":
        world.sandbox.hubspot.add(email=TARO["email"])


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_answer_makes_nothing_twice(quick: World, name: str) -> None:
    channel, write = LOST[name]
    prepared(quick, name)
    quick.sandbox.faults.set(channel, Fault("drop", match=write, times=1))
    reply = await quick.register()
    await quick.settled()  # on a busy machine the answer may come before the attempt has ended
    assert reply.status == 201
    assert armed(quick, channel) == [0]
    if reply.channel(channel)["outcome"] != "delivered":
        assert await quick.replay(channel=channel) == 1
    assert await quick.replay() == 0
    assert_linked_once(quick, name, reply.body["shopify_customer_id"])


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_answer_of_a_system_that_is_then_down_makes_nothing_twice(
    impatient: World, name: str
) -> None:
    channel, write = LOST[name]
    prepared(impatient, name)
    hang = Fault("hang", match=write, times=1, applied=True)
    impatient.sandbox.faults.set(channel, hang)
    going = asyncio.create_task(impatient.register())
    await impatient.until(lambda: armed(impatient, channel) == [0])
    impatient.sandbox.faults.set(channel, Fault("refuse" if channel == "email" else "reset"))
    reply = await going
    assert reply.channel(channel)["outcome"] == "retrying"
    assert await impatient.replay(channel=channel) == 1  # still down: nothing but another failure
    impatient.sandbox.faults.clear()
    assert await impatient.replay(channel=channel) == 1
    assert await impatient.replay() == 0
    assert_linked_once(impatient, name, reply.body["shopify_customer_id"])


def assert_linked_once(world: World, name: str, shopify_id: str) -> None:
    assert everything_arrived_once(world)
    number = shopify_id.rpartition("/")[2]
    (member,) = world.sandbox.smaregi.members.values()
    assert member["customerCode"] == number
    if name == "a linked member":
        assert member["customerNo"] == "C0001"
        assert member["note"] == ""
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"] == number


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_link_that_was_made_although_it_was_refused_keeps_the_old_number_once(
    quick: World, status: int
) -> None:
    prepared(quick, "a linked member")
    refusal = Fault("status", status=status, match="PATCH /customers", times=1, applied=True)
    quick.sandbox.faults.set("smaregi", refusal)
    reply = await quick.register()
    assert reply.channel("smaregi")["action"] == "linked"
    assert_linked_once(quick, "a linked member", reply.body["shopify_customer_id"])


async def test_a_linked_member_whose_answer_was_lost_is_still_told_as_linked(
    quick: World,
) -> None:
    prepared(quick, "a linked member")
    quick.sandbox.faults.set("smaregi", Fault("drop", match="PATCH /customers", times=1))
    reply = await quick.register()
    if reply.channel("smaregi")["outcome"] != "delivered":
        await quick.replay()
    shown = await quick.get(f"/v1/registrations/{reply.body['id']}")
    assert shown.body["channels"]["smaregi"]["action"] == "linked"
    assert shown.body["channels"]["smaregi"]["reference"] == "1"
