"""Deleted in Shopify, and signed up again with the same e-mail before the webhook is worked: what
the first one had is the second one's by now.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from gateway.store import links
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
