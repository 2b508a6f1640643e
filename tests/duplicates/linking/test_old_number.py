"""A link remembers the number that the member had before."""

import asyncio

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.duplicates.linking.linking import PATCH, link, owed, shopify_customer, signed_up, unlink
from tests.duplicates.mending import link_of, member, store_member
from tests.world import World


@pytest.mark.parametrize(
    ("fields", "mode", "place"),
    [
        ({}, "customerCode", "customerNo"),
        ({"customerNo": "77"}, "customerCode", "note"),
        ({}, "customerNo", "customerCode"),
    ],
)
async def test_a_link_remembers_the_old_number_and_unlinking_gives_it_back(
    world: World, fields: dict[str, str], mode: str, place: str
) -> None:
    world.set(SMAREGI_LINK_FIELD=mode)
    old = store_member(world, note="常連", **fields)
    before = member(world, old)
    customer = await signed_up(world)
    linked = await link_of(world, customer)
    assert (linked.reference, linked.old_number, linked.old_place) == (str(old), "0012", place)
    assert member(world, old) != before

    done = await unlink(world, customer)
    assert done.code == 0, done
    after = member(world, old)
    names = ("customerCode", "customerNo", "note", "status", "point")
    assert [after[n] or "" for n in names] == [before[n] or "" for n in names]
    own = (await link_of(world, customer)).reference
    assert own != str(old)
    assert member(world, int(own))["customerCode"] == str(customer)


async def test_the_old_number_is_known_after_a_lost_answer_too(world: World) -> None:
    old = store_member(world)
    await world.core.smaregi.index.fresh()
    world.sandbox.faults.set("smaregi", Fault("drop", match=PATCH, times=1))
    customer = await signed_up(world)
    assert await link_of(world, customer) is None
    assert await world.replay() == 1
    linked = await link_of(world, customer)
    assert (linked.reference, linked.old_number, linked.old_place) == (
        str(old),
        "0012",
        "customerNo",
    )


@pytest.mark.parametrize("mode", ["customerCode", "customerNo"])
async def test_a_late_create_of_ours_is_no_member_to_be_linked(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It arrives between the look for our number and the refresh, and has no older number."""
    world.set(SMAREGI_LINK_FIELD=mode)
    world.sandbox.faults.set("smaregi", Fault("reset", match="POST /customers", times=1))
    customer = await signed_up(world)
    smaregi = world.core.smaregi
    assert not world.sandbox.smaregi.members
    refresh = smaregi.index.fresh

    async def arrives_first() -> None:
        await asyncio.sleep(0.1)  # the look is under way at the same time
        store_member(world, customerCode=str(customer))
        monkeypatch.setattr(smaregi.index, "fresh", refresh)
        await refresh()

    monkeypatch.setattr(smaregi.index, "fresh", arrives_first)
    assert await world.replay() == 1
    linked = await link_of(world, customer)
    assert (linked.member_number, linked.old_number, linked.old_place) == (
        str(customer),
        None,
        None,
    )
    assert not member(world, int(linked.reference))["customerNo"]
    assert (await unlink(world, customer, new_member=False)).code == 0
    assert member(world, int(linked.reference))["customerCode"] == f"S{linked.reference}"


async def test_a_customers_own_number_is_never_given_back_as_the_old_one(world: World) -> None:
    """As a link has it that was once made to a late create of ours."""
    customer = await signed_up(world)
    made = await link_of(world, customer)
    await world.core.db.write(
        lambda db: db.execute(
            "UPDATE links SET old_number = ?, old_place = 'customerNo' WHERE channel = 'smaregi'",
            (str(customer),),
        )
    )
    world.sandbox.smaregi.edit(int(made.reference), customerNo=str(customer))
    assert (await unlink(world, customer, new_member=False)).code == 0
    after = member(world, int(made.reference))
    assert (after["customerCode"], after["customerNo"] or "") == (f"S{made.reference}", "")


async def test_a_later_delivery_does_not_forget_the_old_number(world: World) -> None:
    store_member(world)
    customer = await signed_up(world)
    before = await link_of(world, customer)
    done = await link(world, customer, int(before.reference))
    assert (done.code, "already" in done.text) == (0, True)
    after = await world.core.linking.attempt(
        await owed(world, customer), await shopify_customer(world, customer)
    )
    assert after.outcome is Outcome.DELIVERED
    assert await link_of(world, customer) == before
