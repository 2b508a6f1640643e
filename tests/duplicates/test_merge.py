"""duplicates merge: points arrive once, whatever is lost; what is not clear waits for a person."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.duplicates import MemberMerge
from gateway.duplicates.points import PointsTransfer
from gateway.errors import CommandRefused
from gateway.sandbox import Fault, SandboxOptions, SmaregiOptions
from gateway.store import duplicates, merges
from gateway.store.merges import Merge
from tests.duplicates.mending import Told, customer_of, link_of, member, store_member, told
from tests.world import World, a_world

ADD = "point/add"
PATCH = "PATCH /customers"
PATIENCE = 0.3


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(PointsTransfer, "patience", PATIENCE)
    monkeypatch.setattr(MemberMerge, "again", PATIENCE)
    async with a_world(
        tmp_path, GATEWAY_AUTO_REPLAY="false", GATEWAY_UPSTREAM_TIMEOUT="1"
    ) as world:
        yield world


def pair(world: World, points: str = "120", other: str = "30") -> tuple[int, int]:
    """Two members of the till with points; the first was seen last, so it survives."""
    one = store_member(world, customerCode="A", mailAddress="a@example.jp")
    two = store_member(world, customerCode="B", mailAddress="b@example.jp", note="常連")
    world.sandbox.smaregi.members[one]["lastComeDateTime"] = "2026-11-01T10:00:00+09:00"
    world.sandbox.smaregi.edit(one, point=other)
    world.sandbox.smaregi.edit(two, point=points)
    return one, two


async def merge(world: World, one: int, other: int, **options: Any) -> Told:
    survivor = options.pop("survivor", None)
    return await told(world.core.member_merge.merge(one, other, survivor, **options))


def balances(world: World, *ids: int) -> list[int]:
    return [int(member(world, i)["point"]) for i in ids]


def sent(world: World) -> int:
    """How often points were really changed."""
    return len([entry for entry in world.sandbox.journal.of("smaregi", ADD) if entry.applied])


async def row(world: World, one: int, other: int) -> Merge | None:
    return await world.core.db.read(lambda db: merges.get(db, one, other))


# -- the whole way


async def test_two_members_become_one(world: World) -> None:
    one, two = pair(world)
    done = await merge(world, one, two)
    assert done.code == 0, done
    assert balances(world, one, two) == [150, 0]
    after = member(world, two)
    assert (after["status"], after["note"]) == ("4", f"常連\n統合先: {one} (A)")
    assert after["customerCode"] == "B"
    known = await row(world, one, two)
    assert known is not None
    assert (known.step, known.points, known.problem) == ("done", 120, None)


async def test_merging_twice_changes_nothing_more(world: World) -> None:
    one, two = pair(world)
    await merge(world, one, two)
    writes = len(world.sandbox.journal.writes("smaregi"))
    done = await merge(world, two, one)
    assert (done.code, "already" in done.text) == (0, True)
    assert len(world.sandbox.journal.writes("smaregi")) == writes


async def test_a_pair_of_the_list_is_merged_then(world: World) -> None:
    one, two = pair(world)
    await world.core.db.write(lambda db: duplicates.upsert(db, one, two, (), 50, 1.0))
    await merge(world, one, two)
    known = await world.core.db.read(lambda db: duplicates.get(db, one, two))
    assert known is not None
    assert known.state == "merged"


async def test_without_points_none_are_sent(world: World) -> None:
    one, two = pair(world, points="0")
    done = await merge(world, one, two)
    assert done.code == 0, done
    assert sent(world) == 0
    assert member(world, two)["status"] == "4"


async def test_the_survivor_of_an_online_customer_keeps_its_link(world: World) -> None:
    customer = customer_of(await world.register())
    linked = int((await link_of(world, customer)).reference)
    till = store_member(world, mailAddress="b@example.jp")
    world.sandbox.smaregi.members[till]["lastComeDateTime"] = "2026-11-01T10:00:00+09:00"
    world.sandbox.smaregi.edit(till, point="80")
    done = await merge(world, till, linked)
    assert done.code == 0, done
    assert balances(world, linked, till) == [80, 0]
    assert int((await link_of(world, customer)).reference) == linked
    assert [member(world, i)["status"] for i in (linked, till)] == ["0", "4"]


@pytest.mark.parametrize("mode", ["customerCode", "customerNo"])
async def test_where_a_person_lets_the_other_survive_link_and_number_move(
    world: World, mode: str
) -> None:
    world.set(SMAREGI_LINK_FIELD=mode)
    linked = store_member(world, customerCode="0012")
    customer = customer_of(await world.register())
    till = store_member(world, customerCode="0099", mailAddress="b@example.jp")
    world.sandbox.smaregi.edit(linked, point="80")
    done = await merge(world, till, linked, survivor=till)
    assert done.code == 0, done
    moved = await link_of(world, customer)
    assert (int(moved.reference), moved.old_number) == (till, "0099")
    assert balances(world, till, linked) == [80, 0]
    assert (member(world, linked)["customerCode"], member(world, linked)["status"]) == ("0012", "4")
    name = "customerCode" if mode == "customerCode" else "customerNo"
    assert member(world, till)[name] == str(customer)
    assert moved.member_number == (str(customer) if mode == "customerCode" else "0099")


async def test_a_balance_may_come_alone_and_ids_as_numbers(tmp_path: Path) -> None:
    options = SandboxOptions(smaregi=SmaregiOptions(point_list=False, numeric_ids=True))
    async with a_world(tmp_path, options) as world:
        one, two = pair(world)
        assert (await merge(world, one, two)).code == 0
        assert balances(world, one, two) == [150, 0]


# -- what a merge refuses


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


# -- faults at every step

TAKE, GIVE = 1, 2


def fault_at(world: World, step: int, fault: Fault) -> None:
    """The fault meets the first or the second change of points."""
    real = world.core.smaregi.client.add_points
    calls: list[int] = []

    async def add_points(member_id: str, points: int) -> list[str]:
        calls.append(points)
        if len(calls) == step:
            world.sandbox.faults.set("smaregi", fault)
        return await real(member_id, points)

    world.core.smaregi.client.add_points = add_points  # type: ignore[assignment, method-assign]


@pytest.mark.parametrize("step", [TAKE, GIVE])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=ADD, times=1),
        Fault("half", match=ADD, times=1),
        Fault("garbage", match=ADD, times=1, applied=True),
        *(
            Fault("status", status=status, match=ADD, times=1, applied=True)
            for status in (400, 408, 409, 423, 425, 430, 499, 500)
        ),
        Fault("slow", delay=1.0, match=ADD, times=1),
        Fault("late", delay=0.15, match=ADD, times=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
async def test_what_was_done_though_its_answer_was_lost_is_not_repeated(
    world: World, step: int, fault: Fault
) -> None:
    one, two = pair(world)
    fault_at(world, step, fault)
    done = await merge(world, one, two)
    assert done.code == 0, done
    assert balances(world, one, two) == [150, 0]
    assert sent(world) == 2


@pytest.mark.parametrize("step", [TAKE, GIVE])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset", match=ADD, times=1),
        Fault("status", status=500, match=ADD, times=1),
        Fault("garbage", match=ADD, times=1),
        Fault("throttle", match=ADD, times=1),
        Fault("status", status=400, match=ADD, times=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
async def test_what_was_not_done_is_said_and_done_by_the_next_run(
    world: World, step: int, fault: Fault
) -> None:
    one, two = pair(world)
    fault_at(world, step, fault)
    first = await merge(world, one, two)
    assert first.code == 1, first
    assert balances(world, one, two) == ([30, 120] if step == TAKE else [30, 0])
    assert (step == TAKE) is ("owed" not in first.text) or "did not reach" in first.text
    world.sandbox.faults.clear()
    if fault.kind == "reset":
        await world.restart()
    done = await merge(world, one, two)
    assert done.code == 0, done
    assert balances(world, one, two) == [150, 0]
    assert sent(world) == 2


def till_moves(world: World, whose: int, step: int, *, answered: bool) -> None:
    """The till gives a member 7 points right after ours changed, whose answer comes or is lost."""
    real = world.core.smaregi.client.add_points
    calls: list[int] = []

    async def with_the_till(member_id: str, points: int) -> list[str]:
        calls.append(points)
        proven = await real(member_id, points)
        if len(calls) != step:
            return proven
        now = int(member(world, whose)["point"])
        world.sandbox.smaregi.edit(whose, point=str(now + 7))
        return proven if answered else []

    world.core.smaregi.client.add_points = with_the_till  # type: ignore[assignment, method-assign]


@pytest.mark.parametrize("step", [TAKE, GIVE])
async def test_a_balance_that_the_till_moved_meanwhile_waits_for_a_person(
    world: World, step: int
) -> None:
    one, two = pair(world)
    till_moves(world, two if step == TAKE else one, step, answered=False)
    stopped = await merge(world, one, two)
    assert stopped.code == 1
    assert str(one) in stopped.text
    assert str(two) in stopped.text
    assert "--points-settled" in stopped.text
    before = balances(world, one, two)
    await world.restart()
    assert (await merge(world, one, two)).text == stopped.text
    assert balances(world, one, two) == before
    assert sent(world) == step

    world.sandbox.smaregi.edit(one, point="157")  # the person puts it right
    world.sandbox.smaregi.edit(two, point="0")
    done = await merge(world, one, two, points_settled=True)
    assert done.code == 0, done
    assert balances(world, one, two) == [157, 0]
    assert member(world, two)["status"] == "4"


@pytest.mark.parametrize("step", [TAKE, GIVE])
async def test_the_transactions_id_is_proof_whatever_the_till_does_meanwhile(
    world: World, step: int
) -> None:
    one, two = pair(world)
    till_moves(world, two if step == TAKE else one, step, answered=True)
    done = await merge(world, one, two)
    assert done.code == 0, done
    assert balances(world, one, two) == [157, 0]
    assert sent(world) == (2 if step == GIVE else 4)


async def test_points_that_did_not_stop_cannot_be_settled_by_hand(world: World) -> None:
    one, two = pair(world)
    assert (await merge(world, one, two, points_settled=True)).code == 2
    assert balances(world, one, two) == [30, 120]


# -- killed between any two steps

STEPS = ("begun", "taking", "taken", "giving", "given", "linking", "absorbed")
"""Those that are written down, and the absorbed member's end before that is."""
KILLED = [(step, False) for step in STEPS] + [(step, True) for step in STEPS[2:]]


@pytest.mark.parametrize(("step", "by_itself"), KILLED)
async def test_a_merge_that_was_killed_goes_on(world: World, step: str, by_itself: bool) -> None:
    """Right after `step`; the same command goes on, or the next owner by itself."""
    linked = store_member(world, customerCode="0012")
    customer = customer_of(await world.register())
    till = store_member(world, customerCode="0099", mailAddress="b@example.jp")
    world.sandbox.smaregi.edit(linked, point="80")
    await _killed_after(world, step, world.core.member_merge.merge(till, linked, till))
    await world.start()
    if by_itself:  # before `taken` nothing was moved
        await _done_by_itself(world, till, linked)
    tries = [await merge(world, till, linked, survivor=till) for _ in range(2)]
    assert tries[-1].code == 0, tries
    assert balances(world, till, linked) == [80, 0]
    assert sent(world) == 2
    await world.replay()
    assert int((await link_of(world, customer)).reference) == till
    assert member(world, linked)["status"] == "4"


async def _killed_after(world: World, step: str, events: AsyncIterator[Any]) -> None:
    died = asyncio.Event()
    if step == "absorbed":
        world.core.smaregi.absorb = _dying_after(world.core.smaregi.absorb, died)  # type: ignore[method-assign]
    else:
        _die_once_written(world, step, died)
    task = asyncio.create_task(told(events))
    async with asyncio.timeout(30):
        await died.wait()
    for kept in set(world.core.runtime.background._kept):
        kept.cancel()
    assert (await task).code is None
    await world.stop()


async def _done_by_itself(world: World, one: int, other: int) -> None:
    async with asyncio.timeout(30):
        while (known := await row(world, one, other)) is None or known.step != "done":
            await asyncio.sleep(0.02)


def _die_once_written(world: World, step: str, died: asyncio.Event) -> None:
    real = world.core.db.write

    async def write(unit: Any) -> Any:
        result = await real(unit)
        for known in await world.core.db.read(_all):
            if known.step == step:
                died.set()
                await asyncio.Event().wait()
        return result

    world.core.db.write = write  # type: ignore[method-assign]


def _all(db: Any) -> list[Merge]:
    pairs = db.execute("SELECT low, high FROM merges").fetchall()
    return [found for low, high in pairs if (found := merges.get(db, low, high))]


def _dying_after(real: Any, died: asyncio.Event) -> Any:
    async def absorb(*ids: str) -> bool:
        await real(*ids)
        died.set()
        return bool(await asyncio.Event().wait())

    return absorb


async def test_nobody_but_a_person_begins_a_merge(world: World) -> None:
    one, two = pair(world)
    begun = Merge(one, two, "begun")
    await world.core.db.write(lambda db: merges.write(db, begun))
    assert (await told(world.core.member_merge._again(begun))).code == 0
    assert balances(world, one, two) == [30, 120]
    assert await row(world, one, two) == begun


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=PATCH, times=1),
        Fault("status", status=500, match=PATCH, times=1),
        Fault("status", status=500, match=PATCH, times=2),
    ],
    ids=["drop", "once", "twice"],
)
async def test_the_end_of_a_merge_may_be_repeated(world: World, fault: Fault) -> None:
    one, two = pair(world)
    world.sandbox.faults.set("smaregi", fault)
    codes = [(await merge(world, one, two)).code for _ in range(3)]
    assert codes[-1] == 0
    assert balances(world, one, two) == [150, 0]
    assert sent(world) == 2
    assert member(world, two)["note"].count("統合先") == 1


async def test_a_note_without_room_is_left_as_it_is(world: World) -> None:
    one, two = pair(world)
    world.sandbox.smaregi.edit(two, note="あ" * 995)
    done = await merge(world, one, two)
    assert done.code == 0
    assert any("no room" in step for step in done.steps)
    assert (member(world, two)["status"], len(member(world, two)["note"])) == ("4", 995)


async def test_a_member_of_an_unfinished_merge_takes_part_in_no_other(world: World) -> None:
    one, two = pair(world)
    third = store_member(world, customerCode="C", mailAddress="c@example.jp")
    fault_at(world, GIVE, Fault("status", status=400, match=ADD, times=1))
    assert (await merge(world, one, two)).code == 1
    refusal = await merge(world, third, two)
    assert (refusal.code, "must end first" in refusal.text) == (2, True)
    assert (await merge(world, one, two, survivor=two)).code == 2
    assert (await merge(world, one, two)).code == 0
