"""Two members become one."""

from pathlib import Path

import pytest

from gateway.sandbox import SandboxOptions, SmaregiOptions
from gateway.store import duplicates
from tests.duplicates.mending import customer_of, link_of, member, store_member
from tests.duplicates.merge.merging import balances, merge, pair, row, sent
from tests.world import World, a_world


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
