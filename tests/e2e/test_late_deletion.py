"""Deleted in Shopify, and signed up again with the same e-mail before the webhook is worked: what
the first one had is the second one's by now.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.sandbox import Fault
from gateway.store import links, outbox
from gateway.sync.webhooks import erasure
from tests.sync.webhooks.conftest import customers
from tests.world import World, a_world

WAYS = pytest.mark.parametrize(
    "settings",
    [
        {},
        {"SMAREGI_ON_DELETE": "withdraw"},
        {"SMAREGI_ON_DELETE": "withdraw", "SMAREGI_LINK_FIELD": "customerNo"},
    ],
    ids=["unlink", "withdraw", "withdraw by customerNo"],
)


@pytest.fixture
async def world(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[World]:
    async with a_world(tmp_path, None, GATEWAY_AUTO_REPLAY="false", **settings) as world:
        yield world


async def signed_up(world: World) -> int:
    reply = await world.register()
    assert reply.body["status"] == "complete", reply.body
    return int(reply.body["shopify_customer_id"].rpartition("/")[2])


def member(world: World) -> dict[str, Any]:
    (found,) = world.sandbox.smaregi.members.values()
    return dict(found)


async def links_of(world: World, customer_id: int) -> set[str]:
    names = ("smaregi", "crm")
    found = await world.core.db.read(lambda db: links.of_customers(db, names, [customer_id]))
    return {channel for _, channel in found}


async def second_after_first(world: World) -> tuple[int, int]:
    """The customer who was deleted, and the one who signed up after them."""
    first = await signed_up(world)
    world.sandbox.shopify.delete_customer(first)
    second = await world.register(last_name="佐藤")
    await world.replay(channel=["smaregi", "crm"])
    return first, int(second.body["shopify_customer_id"].rpartition("/")[2])


async def nothing_was_taken_from(world: World, second: int) -> None:
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert not contact.archived
    assert contact.properties["shopify_customer_id"] == str(second)
    assert str(second) in {member(world)["customerCode"], member(world)["customerNo"]}
    assert member(world)["status"] == "0"
    assert await links_of(world, second) == {"smaregi", "crm"}


@WAYS
async def test_a_late_deletion_takes_nothing_from_whoever_signed_up_again(world: World) -> None:
    first, second = await second_after_first(world)
    await customers(world)._parts.erasure.remove(first)
    await world.replay(channel=["smaregi", "crm"])
    await nothing_was_taken_from(world, second)
    assert await links_of(world, first) == set()


@WAYS
async def test_nor_does_a_removal_that_was_owed_before_they_came(world: World) -> None:
    first = await signed_up(world)
    world.sandbox.shopify.delete_customer(first)
    for system in ("smaregi", "crm"):
        world.sandbox.faults.set(system, Fault("status", status=503))
    await customers(world)._parts.erasure.remove(first)
    await world.replay(channel=["smaregi", "crm"])
    owed = [d for d in await world.deliveries() if d.kind is Kind.REMOVAL]
    assert [d.outcome for d in owed] == [Outcome.RETRYING] * 2
    for system in ("smaregi", "crm"):
        world.sandbox.faults.clear(system)
    reply = await world.register(last_name="佐藤")
    second = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    await world.replay(channel=["smaregi", "crm"])
    await nothing_was_taken_from(world, second)


async def made_but_not_heard_of(world: World, channel: str, request: str) -> int:
    """The record is there, and its making's answer was lost."""
    world.sandbox.faults.set(channel, Fault("drop", match=request))
    reply = await world.register()
    assert reply.channel(channel)["outcome"] == "retrying", reply.body
    world.sandbox.faults.clear()
    customer_id = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    assert channel not in await links_of(world, customer_id)
    return customer_id


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing arrives late here."""
    monkeypatch.setattr(erasure, "LATE", 0.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("settings", [{"GATEWAY_RETRY_SCHEDULE": "100"}])
async def test_a_contact_that_was_never_heard_of_leaves_with_its_customer(world: World) -> None:
    gone = await made_but_not_heard_of(world, "crm", "POST /crm/objects")
    world.sandbox.shopify.delete_customer(gone)
    await customers(world)._parts.erasure.remove(gone)
    await world.replay(channel=["crm"])
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.archived


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("settings", [{"GATEWAY_RETRY_SCHEDULE": "100"}])
async def test_so_it_does_where_a_change_was_owed_since_and_never_tried(world: World) -> None:
    """The customer was met as gone, and a change of theirs was heard of late, before the deletion
    was.
    """
    gone = await made_but_not_heard_of(world, "crm", "POST /crm/objects")
    world.sandbox.shopify.delete_customer(gone)
    await world.replay(channel=["crm"])
    late = [NewDelivery("crm", Kind.UPDATE, Outcome.PENDING)]
    await world.core.db.write(lambda db: outbox.add(db, gone, None, late, 1.0))
    await customers(world)._parts.erasure.remove(gone)
    await world.replay(channel=["crm"])
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.archived


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("settings", [{"GATEWAY_RETRY_SCHEDULE": "100"}])
async def test_a_member_whose_linking_was_never_heard_of_has_its_number_back(world: World) -> None:
    card = {"lastName": "山田", "firstName": "太郎", "mailAddress": "taro@example.com"}
    world.sandbox.smaregi.add(customerCode="0012345", **card)
    gone = await made_but_not_heard_of(world, "smaregi", "PATCH /customers")
    assert member(world)["customerCode"] == str(gone)
    world.sandbox.shopify.delete_customer(gone)
    await customers(world)._parts.erasure.remove(gone)
    await world.replay(channel=["smaregi"])
    assert member(world)["customerCode"] == "0012345"
    assert not member(world)["customerNo"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("settings", [{"GATEWAY_RETRY_SCHEDULE": "100"}])
async def test_it_is_looked_for_once(world: World) -> None:
    """Else an order to erase would wait for ever."""
    gone = await made_but_not_heard_of(world, "crm", "POST /crm/objects")
    world.sandbox.shopify.delete_customer(gone)
    for _ in range(2):
        await customers(world)._parts.erasure.remove(gone)
        await world.replay(channel=["crm"])
    found = await world.deliveries(channels=("crm",))
    assert [each.kind for each in found].count(Kind.REMOVAL) == 1


@pytest.mark.parametrize("settings", [{"GATEWAY_RETRY_SCHEDULE": "100"}])
async def test_a_contact_that_was_never_heard_of_is_theirs_who_sign_up_again(world: World) -> None:
    gone = await made_but_not_heard_of(world, "crm", "POST /crm/objects")
    world.sandbox.shopify.delete_customer(gone)
    reply = await world.register(last_name="佐藤")
    assert reply.channel("crm")["outcome"] == "delivered", reply.body
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"] == reply.body["member_number"]


@pytest.mark.parametrize("settings", [{"SMAREGI_ON_DELETE": "withdraw"}], ids=["withdraw"])
async def test_nobody_is_linked_to_a_member_that_is_just_leaving(world: World) -> None:
    """Smaregi has no way to say "if it is still so": who reads first would write last."""
    first = await signed_up(world)
    world.sandbox.shopify.delete_customer(first)
    await customers(world)._parts.erasure.remove(first)
    world.sandbox.faults.set("smaregi", Fault("slow", delay=1.0, match="GET /customers/1", times=1))
    leaving = asyncio.create_task(world.replay(channel=["smaregi"]))
    await world.until(lambda: world.sandbox.faults.listing()["smaregi"][0]["left"] == 0)
    second = (await world.register(last_name="佐藤")).body["member_number"]
    await leaving
    await world.replay(channel=["smaregi"])
    held = {row["customerCode"]: row["status"] for row in world.sandbox.smaregi.members.values()}
    assert held == {str(first): "3", second: "0"}
