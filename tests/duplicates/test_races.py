"""Two hands at one member, and a till that goes on while a merge is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.duplicates import MemberMerge
from gateway.duplicates.points import PointsTransfer
from gateway.sandbox import Fault
from tests.duplicates.mending import customer_of, link_of, member, store_member, told
from tests.e2e.evidence import started_quietly
from tests.world import World, a_world

PATCH = "PATCH /customers"


async def two_members(world: World) -> tuple[int, int]:
    """With 30 and 120 points."""
    one = store_member(world, customerCode="A", mailAddress="a@example.jp")
    two = store_member(world, customerCode="B", mailAddress="b@example.jp")
    world.sandbox.smaregi.edit(one, point="30")
    world.sandbox.smaregi.edit(two, point="120")
    await started_quietly(world)
    return one, two


def points(world: World, *ids: int) -> list[int]:
    return [int(member(world, each)["point"]) for each in ids]


async def test_one_member_is_linked_to_one_of_two_customers_at_the_same_moment(
    world: World,
) -> None:
    await started_quietly(world)
    world.set(FLAG_SMAREGI="off")
    people = [
        customer_of(await world.register(email=f"c{n}@example.com", phone=f"090-1111-222{n}"))
        for n in range(2)
    ]
    world.set(FLAG_SMAREGI="on")
    at_till = store_member(world, mailAddress="zz@example.jp", customerCode="CARD1")
    world.sandbox.delays["smaregi"] = 0.2
    ends = await asyncio.gather(
        *(told(world.core.linking.link(person, at_till)) for person in people)
    )
    assert sorted(end.code or 0 for end in ends) == [0, 1]
    linked = [person for person in people if await link_of(world, person) is not None]
    assert [str(person) for person in linked] == [member(world, at_till)["customerCode"]]


async def test_a_member_is_not_merged_away_while_a_customer_is_being_linked_to_it(
    world: World,
) -> None:
    """Nor by the next process: the request that links it may still be under way."""
    survivor, absorbed = await two_members(world)
    world.sandbox.faults.set("smaregi", Fault("reset", match=PATCH, times=1))
    customer = customer_of(await world.register(email="b@example.jp"))  # the absorbed one's
    assert await link_of(world, customer) is None
    for _ in range(2):
        end = await told(world.core.member_merge.merge(survivor, absorbed, survivor))
        assert (end.code, "just being linked" in end.text) == (1, True)
        await world.restart()
    assert points(world, survivor, absorbed) == [30, 120]
    await world.replay()
    assert (await link_of(world, customer)).reference == str(absorbed)
    assert (await told(world.core.member_merge.merge(survivor, absorbed, survivor))).code == 0
    assert (await link_of(world, customer)).reference == str(survivor)


async def test_who_is_linked_to_a_member_just_before_its_merge_begins_moves_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor, absorbed = await two_members(world)
    merging, customers = world.core.member_merge, list[int]()
    real = merging.look

    async def look(*given: int | None) -> Any:
        found = await real(*given)  # type: ignore[arg-type]
        if not customers:
            customers.append(customer_of(await world.register(email="b@example.jp")))
        return found

    monkeypatch.setattr(merging, "look", look)
    end = await told(merging.merge(survivor, absorbed, survivor))
    assert end.code == 0, end
    assert (await link_of(world, *customers)).reference == str(survivor)
    assert points(world, survivor, absorbed) == [150, 0]


@asynccontextmanager
async def half_merged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[World, int, int]]:
    """(world, survivor, absorbed): the points have moved, the end of the merge failed."""
    monkeypatch.setattr(PointsTransfer, "patience", 0.4)
    monkeypatch.setattr(MemberMerge, "again", 60.0)
    async with a_world(folder, GATEWAY_UPSTREAM_TIMEOUT="1") as world:
        survivor, absorbed = await two_members(world)
        world.sandbox.faults.set("smaregi", Fault("status", status=503, match=PATCH))
        assert (await told(world.core.member_merge.merge(survivor, absorbed, survivor))).code == 1
        yield world, survivor, absorbed


async def test_points_that_the_till_gives_to_the_absorbed_meanwhile_move_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with half_merged(tmp_path, monkeypatch) as (world, survivor, absorbed):
        assert points(world, survivor, absorbed) == [150, 0]
        world.sandbox.smaregi.edit(absorbed, point="50")
        world.sandbox.faults.clear()
        assert (await told(world.core.member_merge.merge(survivor, absorbed, survivor))).code == 0
        assert points(world, survivor, absorbed) == [200, 0]
        assert member(world, absorbed)["status"] == "4"


async def test_points_that_come_just_as_the_absorbed_ends_move_in_the_end_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is marked as merged already, which alone would forbid a merge."""
    async with half_merged(tmp_path, monkeypatch) as (world, survivor, absorbed):
        world.sandbox.smaregi.edit(absorbed, point="50")
        world.sandbox.smaregi.edit(absorbed, status="4")  # the request that was answered 503
        refused = Fault("status", status=503, match="point/add", applied=False)
        world.sandbox.faults.set("smaregi", refused)
        end = await told(world.core.member_merge.merge(survivor, absorbed, survivor))
        assert (end.code, "did not reach" in end.text) == (1, True)
        world.sandbox.faults.clear()
        end = await told(world.core.member_merge.merge(survivor, absorbed, survivor))
        assert end.code == 0, end
        assert points(world, survivor, absorbed) == [200, 0]


async def test_a_change_that_ends_after_its_link_has_moved_does_not_bring_it_back(
    world: World,
) -> None:
    reply = await world.register()
    customer = customer_of(reply)
    link = await link_of(world, customer)
    await started_quietly(world)
    world.sandbox.delays["smaregi"] = 0.3
    changing = asyncio.create_task(world.patch(f"/v1/customers/{customer}", {"first_name": "次郎"}))
    await world.until(lambda: world.sandbox.journal.of("smaregi", "PATCH"))
    await world.core.db.write(
        lambda db: db.execute("DELETE FROM links WHERE reference = ?", (link.reference,)).rowcount
    )
    assert (await changing).status == 200
    assert await link_of(world, customer) is None


async def test_a_sign_up_is_not_matched_with_a_member_that_is_about_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with half_merged(tmp_path, monkeypatch) as (world, survivor, absorbed):
        world.sandbox.faults.clear()
        reply = await world.register(email="b@example.jp")  # the absorbed one's
        link = await link_of(world, customer_of(reply))
        assert link.reference != str(absorbed)
        assert (await told(world.core.member_merge.merge(survivor, absorbed, survivor))).code == 0
        assert (await link_of(world, customer_of(reply))).reference == link.reference
