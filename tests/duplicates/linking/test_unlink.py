"""A person unlinks a customer from a member."""

import asyncio

import pytest

from gateway.outcomes import Link, Outcome
from gateway.sandbox import Fault
from gateway.store import duplicates
from tests.duplicates.linking.linking import PATCH, owed, shopify_customer, signed_up, unlink
from tests.duplicates.mending import link_of, member, store_member, told
from tests.world import World


async def test_a_member_of_our_own_making_gets_a_number_that_is_no_shopify_id(
    world: World,
) -> None:
    customer = await signed_up(world)
    first = (await link_of(world, customer)).reference
    taken = store_member(world, customerCode=f"S{first}", mailAddress="x@example.jp")
    done = await unlink(world, customer)
    assert done.code == 0, done
    assert member(world, int(first))["customerCode"] == f"S{first}-2"
    assert member(world, taken)["customerCode"] == f"S{first}"
    assert (await link_of(world, customer)).reference != first


async def test_an_old_number_that_somebody_else_has_now_is_not_taken_away(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    other = store_member(world, mailAddress="x@example.jp")  # the till gave 0012 to another
    done = await unlink(world, customer)
    assert done.code == 0, done
    assert member(world, old)["customerCode"] == f"S{old}"
    assert member(world, other)["customerCode"] == "0012"


async def test_a_column_that_the_contract_requires_is_not_cleared(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.smaregi.required.add("customerNo")
    done = await unlink(world, customer, new_member=False)
    assert done.code == 0, done
    assert [member(world, old)[n] for n in ("customerCode", "customerNo")] == ["0012", "0012"]


async def test_the_second_number_that_is_required_becomes_the_members_own(world: World) -> None:
    world.set(SMAREGI_LINK_FIELD="customerNo")
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.smaregi.required.add("customerNo")
    done = await unlink(world, customer, new_member=False)
    assert done.code == 0, done
    assert [member(world, old)[n] for n in ("customerCode", "customerNo")] == ["0012", f"S{old}"]


async def test_without_a_new_member_nothing_is_owed(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    done = await unlink(world, customer, new_member=False)
    assert done.code == 0, done
    assert list(world.sandbox.smaregi.members) == [old]
    assert await link_of(world, customer) is None
    assert await world.deliveries(channels=("smaregi",), outcomes=(Outcome.PENDING,)) == []
    again = await unlink(world, customer, new_member=False)
    assert again.code == 0
    assert list(world.sandbox.smaregi.members) == [old]


async def test_what_a_person_keeps_apart_is_not_linked_again_after_a_restart(
    world: World,
) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.faults.set("smaregi", Fault("status", status=500, match="POST /customers"))
    done = await unlink(world, customer)
    assert done.code == 1
    await world.restart()
    world.sandbox.faults.clear()
    assert await world.replay() == 1
    own = (await link_of(world, customer)).reference
    assert own != str(old)
    assert member(world, old)["customerCode"] == "0012"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=PATCH, times=1),
        Fault("status", status=500, match=PATCH, times=1),
        Fault("status", status=500, applied=True, match=PATCH, times=1),
        Fault("reset", match="POST /customers", times=1),
        Fault("drop", match="POST /customers", times=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.match} {fault.applied}",
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_an_unlinking_that_broke_off_is_finished_by_the_same_command(
    world: World, fault: Fault, restarted: bool
) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.faults.set("smaregi", fault)
    first = await unlink(world, customer)
    if restarted:
        await world.restart()
    done = await unlink(world, customer) if first.code else first
    assert done.code == 0, (first, done)
    assert member(world, old)["customerCode"] == "0012"
    assert not member(world, old)["customerNo"]
    own = int((await link_of(world, customer)).reference)
    assert sorted(world.sandbox.smaregi.members) == sorted([old, own])
    assert member(world, own)["customerCode"] == str(customer)


async def test_an_unlinking_that_was_killed_in_its_write_goes_on(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.set(GATEWAY_UPSTREAM_TIMEOUT="8")
    world.sandbox.faults.set("smaregi", Fault("hang", match=PATCH, times=1))
    events = world.core.linking.unlink(customer, new_member=True)
    task = world.core.runtime.background.keep(told(events), "unlinking")
    await world.until(lambda: world.sandbox.faults.listing()["smaregi"][0]["left"] == 0)
    assert not task.done()
    await world.restart()
    world.sandbox.faults.clear()
    done = await unlink(world, customer)
    assert done.code == 0, done
    assert member(world, old)["customerCode"] == "0012"


async def test_what_a_person_keeps_apart_is_no_possible_duplicate(world: World) -> None:
    store_member(world)
    customer = await signed_up(world)
    assert (await unlink(world, customer)).code == 0
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    assert await world.core.db.read(lambda db: duplicates.find(db, limit=9)) == []
    stranger = store_member(world, customerCode="0099")
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    found = await world.core.db.read(lambda db: duplicates.find(db, limit=9))
    assert {pair.high_id for pair in found} == {stranger}


async def test_unlinking_waits_for_an_attempt_that_is_under_way(world: World) -> None:
    """It would write its link after the other was undone."""
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.shopify.edit_customer(customer, lastName="佐藤")
    world.set(GATEWAY_UPSTREAM_TIMEOUT="8")
    world.sandbox.faults.set("smaregi", Fault("hang", match=PATCH, times=1))
    delivery, person = await owed(world, customer), await shopify_customer(world, customer)
    attempt = asyncio.create_task(world.core.deliverer.again(delivery, person))
    await world.until(lambda: world.sandbox.faults.listing()["smaregi"][0]["left"] == 0)
    unlinking = asyncio.create_task(unlink(world, customer, new_member=False))
    await world.until(lambda: (customer, old) in world.core.smaregi.ownership.apart)
    await asyncio.wait({unlinking}, timeout=0.3)
    assert not unlinking.done()
    world.sandbox.faults.clear()
    await attempt
    assert (await unlinking).code == 0
    assert await link_of(world, customer) is None
    assert member(world, old)["customerCode"] == "0012"


async def test_nobody_is_linked_to_a_member_whose_unlinking_has_not_ended(world: World) -> None:
    store_member(world)
    customer = await signed_up(world)
    world.sandbox.faults.set("smaregi", Fault("status", status=500, match=PATCH))
    assert (await unlink(world, customer)).code == 1
    world.sandbox.faults.clear()
    reopened = await world.core.db.write(
        lambda db: world.core.linking.owe_link(db, customer, 1, 0.0)
    )
    after = await world.core.linking.attempt(reopened, await shopify_customer(world, customer))
    assert after.outcome is Outcome.FAILED
    assert "keeps this member apart" in (after.message or "")


async def test_who_is_not_linked_cannot_be_unlinked(world: World) -> None:
    done = await unlink(world, 7000000009999)
    assert (done.code, "not linked" in done.text) == (2, True)


async def test_a_customer_who_is_gone_from_shopify_is_unlinked_without_a_new_member(
    world: World,
) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.shopify.delete_customer(customer)
    done = await unlink(world, customer)
    assert done.code == 0, done
    assert member(world, old)["customerCode"] == "0012"
    assert list(world.sandbox.smaregi.members) == [old]


async def test_withdrawing_keeps_number_and_points_and_may_be_repeated(world: World) -> None:
    old = store_member(world)
    customer = await signed_up(world)
    world.sandbox.smaregi.edit(old, point="120")
    for _ in range(2):
        await world.core.smaregi.withdraw(await link_of(world, customer))
    row = member(world, old)
    assert (row["status"], row["customerCode"], row["point"]) == ("3", str(customer), "120")
    await world.core.smaregi.withdraw(Link("smaregi", customer, "999"))
    assert len(world.sandbox.journal.of("smaregi", PATCH)) == 2  # the link's, and one withdrawal
