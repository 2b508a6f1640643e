"""What cannot be merged, and who survives."""

from typing import Any

import pytest

from gateway.errors import CommandRefused
from gateway.store.merges import Merge
from tests.duplicates.mending import customer_of, link_of, store_member
from tests.duplicates.merge.merging import ADD, merge, pair, row
from tests.world import World


async def refused(world: World, one: int, other: int, survivor: int | None = None) -> str:
    with pytest.raises(CommandRefused) as caught:
        await world.core.member_merge.look(one, other, survivor)
    assert (await merge(world, one, other, survivor=survivor)).code == 2
    assert world.sandbox.journal.of("smaregi", ADD) == []
    assert await row(world, one, other) is None
    return str(caught.value)


async def test_what_cannot_be_merged_is_said_in_a_sentence(world: World) -> None:
    one, two = pair(world)
    assert "one and the same" in await refused(world, one, one)
    assert "no member 9999" in await refused(world, one, 9999)
    assert "neither of the two" in await refused(world, one, two, 9999)
    world.sandbox.smaregi.edit(one, status="1")
    assert "suspended" in await refused(world, one, two)
    world.sandbox.smaregi.edit(one, status="0")
    for status, word in (("3", "withdrawn"), ("4", "merged into another before")):
        world.sandbox.smaregi.edit(two, status=status)
        assert word in await refused(world, one, two)
    world.sandbox.smaregi.edit(two, status="0")
    world.sandbox.smaregi.members[two]["point"] = "-5"
    assert "-5 points" in await refused(world, one, two)
    world.set(FLAG_SMAREGI="hold")
    assert "FLAG_SMAREGI" in await refused(world, one, two)


async def test_a_link_does_not_move_to_where_its_number_has_no_room(world: World) -> None:
    world.set(SMAREGI_LINK_FIELD="customerNo")
    linked = store_member(world)
    customer = customer_of(await world.register())
    full = store_member(world, customerCode="0099", customerNo="77", mailAddress="b@example.jp")
    assert "customerNo" in await refused(world, full, linked, full)
    assert int((await link_of(world, customer)).reference) == linked


async def test_two_online_customers_are_merged_in_shopify_first(world: World) -> None:
    members: list[int] = []
    for number in (1, 2):
        customer = customer_of(await world.register(number=number))
        members.append(int((await link_of(world, customer)).reference))
    assert "Shopify first" in await refused(world, *members)


async def test_a_customer_who_is_gone_from_shopify_holds_no_member(world: World) -> None:
    customer = customer_of(await world.register(number=1))
    gone = int((await link_of(world, customer)).reference)
    world.sandbox.shopify.delete_customer(customer)
    other = int((await link_of(world, customer_of(await world.register(number=2)))).reference)
    plan = await world.core.member_merge.look(gone, other, None)
    assert not isinstance(plan, Merge)
    assert (plan.survivor.member_id, plan.moves_link) == (other, None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "seen last"),
        ({"lastComeDateTime": None}, "more points"),
        ({"lastComeDateTime": None, "point": "120"}, "lower"),
    ],
)
async def test_who_survives_where_nobody_is_linked(
    world: World, changes: dict[str, Any], why: str
) -> None:
    one, two = pair(world)
    world.sandbox.smaregi.members[one].update(changes)
    plan = await world.core.member_merge.look(two, one, None)
    assert not isinstance(plan, Merge)
    assert why in plan.why
    assert plan.survivor.member_id == (two if why == "more points" else one)
