"""duplicates link and unlink: one way in, the old number back, and never again by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import Delivery, Kind, Link, NewDelivery, Outcome
from gateway.sandbox import Fault
from gateway.store import duplicates, outbox
from tests.duplicates.mending import Told, customer_of, link_of, member, store_member, told
from tests.world import World, a_world

PATCH = "PATCH /customers"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing is retried by itself: what a command left undone stays visible."""
    async with a_world(
        tmp_path, GATEWAY_AUTO_REPLAY="false", GATEWAY_UPSTREAM_TIMEOUT="1"
    ) as world:
        yield world


async def signed_up(world: World, **changes: Any) -> int:
    return customer_of(await world.register(**changes))


async def unlink(world: World, customer: int, *, new_member: bool = True) -> Told:
    return await told(world.core.linking.unlink(customer, new_member=new_member))


async def link(world: World, customer: int, member_id: int) -> Told:
    return await told(world.core.linking.link(customer, member_id))


# -- what a link remembers


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
        await owed(world, customer), await _customer(world, customer)
    )
    assert after.outcome is Outcome.DELIVERED
    assert await link_of(world, customer) == before


async def owed(world: World, customer: int) -> Delivery:
    """Another delivery of a customer who has a link."""
    new = NewDelivery("smaregi", Kind.BACKFILL, Outcome.PENDING)
    written = await world.core.db.write(lambda db: outbox.add(db, customer, None, [new], 1.0))
    return written[0]


# -- unlink


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
    delivery, person = await owed(world, customer), await _customer(world, customer)
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
    after = await world.core.linking.attempt(reopened, await _customer(world, customer))
    assert after.outcome is Outcome.FAILED
    assert "keeps this member apart" in (after.message or "")


async def _customer(world: World, customer_id: int) -> Any:
    found = await world.core.linking.customer(customer_id)
    assert found is not None
    return found


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


# -- link


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
