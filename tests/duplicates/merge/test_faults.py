"""Faults at every step of a merge, and a till that moves points meanwhile."""

import pytest

from gateway.sandbox import Fault
from tests.duplicates.mending import member
from tests.duplicates.merge.merging import ADD, GIVE, TAKE, balances, fault_at, merge, pair, sent
from tests.world import World


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
