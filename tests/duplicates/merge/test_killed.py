"""A merge that was killed between any two steps goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sandbox import Fault
from gateway.store import merges
from gateway.store.engine import ALONE, Whom
from gateway.store.merges import Merge
from tests.duplicates.mending import customer_of, link_of, member, store_member, told
from tests.duplicates.merge.merging import ADD, GIVE, balances, fault_at, merge, pair, row, sent
from tests.world import World

PATCH = "PATCH /customers"


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

    async def write(unit: Any, keys: Whom = ALONE) -> Any:
        result = await real(unit, keys)
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
