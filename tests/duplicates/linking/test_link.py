"""A person links a customer to a member."""

import pytest

from gateway.sandbox import Fault
from tests.duplicates.linking.linking import PATCH, link, signed_up, unlink
from tests.duplicates.mending import link_of, member, store_member
from tests.world import World


async def test_a_person_links_what_the_rules_would_not(world: World) -> None:
    other = store_member(world, lastName="佐藤", firstName="花子", mailAddress="h@example.jp")
    customer = await signed_up(world)
    refused = await link(world, customer, other)
    assert refused.code == 2
    assert f"duplicates unlink {customer}" in refused.text
    own = int((await link_of(world, customer)).reference)
    assert (await unlink(world, customer, new_member=False)).code == 0
    done = await link(world, customer, other)
    assert done.code == 0, done
    assert "0012" in done.text
    assert member(world, other)["customerCode"] == str(customer)
    assert member(world, own)["customerCode"] == f"S{own}"
    linked = await link_of(world, customer)
    assert (linked.reference, linked.old_number) == (str(other), "0012")


async def test_linking_again_ends_keeping_apart(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    assert (await unlink(world, customer, new_member=False)).code == 0
    done = await link(world, customer, old)
    assert done.code == 0, done
    await world.restart()
    assert (customer, old) not in world.core.smaregi.ownership.apart
    assert member(world, old)["customerCode"] == str(customer)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=PATCH, times=1),
        Fault("status", status=500, match=PATCH, times=1),
        Fault("garbage", match=PATCH, times=1),
    ],
    ids=lambda fault: fault.kind,
)
async def test_a_link_that_broke_off_is_finished_by_a_replay(world: World, fault: Fault) -> None:
    other = store_member(world, mailAddress="h@example.jp")
    customer = await signed_up(world)
    assert (await unlink(world, customer, new_member=False)).code == 0
    world.sandbox.faults.set("smaregi", fault)
    done = await link(world, customer, other)
    assert done.code == 1, done
    await world.restart()
    assert await world.replay() == 1
    linked = await link_of(world, customer)
    assert (linked.reference, linked.old_number) == (str(other), "0012")
    assert member(world, other)["customerCode"] == str(customer)


async def test_what_stands_in_the_way_of_a_link_is_said(world: World) -> None:
    hanako = await signed_up(world, number=1)
    hers = int((await link_of(world, hanako)).reference)
    taro = await signed_up(world)
    assert (await unlink(world, taro, new_member=False)).code == 0
    asleep = store_member(world, customerCode="1", mailAddress="a@example.jp", status="1")
    left = store_member(world, customerCode="3", mailAddress="b@example.jp", status="3")
    for customer, member_id, word in (
        (taro, 9999, "no member 9999"),
        (7000000009999, hers, "no customer"),
        (taro, hers, f"belongs to customer {hanako}"),
        (taro, asleep, "suspended"),
        (taro, left, "withdrawn"),
    ):
        done = await link(world, customer, member_id)
        assert (done.code, word in done.text) == (2, True), done
    world.set(FLAG_SMAREGI="hold")
    done = await link(world, taro, hers)
    assert (done.code, "FLAG_SMAREGI" in done.text) == (2, True)
    assert await link_of(world, taro) is None
