"""Whatever Smaregi does while members are merged, no point is made and none is lost."""

import random
from pathlib import Path
from typing import Any

import pytest

from gateway.duplicates import MemberMerge
from gateway.duplicates.points import PointsTransfer
from gateway.sandbox import Fault
from tests.duplicates.mending import member, store_member, told
from tests.world import World, a_world

PATIENCE = 0.25
WHERE = ("point/add", "GET /customers/point", "GET /customers/{id}", "PATCH /customers")


def _fault(chance: random.Random) -> Fault:
    where, times = chance.choice(WHERE), chance.choice((1, 1, 2))
    kind = chance.choice(("reset", "drop", "half", "garbage", "status", "late", "throttle", "slow"))
    applied = chance.choice((True, False)) if kind in {"garbage", "status"} else None
    delay = PATIENCE / 3 if kind == "late" else 0.6
    return Fault(kind, match=where, times=times, applied=applied, delay=delay)  # type: ignore[arg-type]


class _Watch:
    """The sum of both balances after every change at the stand-in."""

    def __init__(self, world: World, pair: tuple[int, int]) -> None:
        self._world = world
        self._pair = pair
        self.highest = self.sum()
        store = world.sandbox.smaregi._store

        def watched(*arguments: Any) -> None:
            store(*arguments)
            self.highest = max(self.highest, self.sum())

        world.sandbox.smaregi._store = watched  # type: ignore[assignment, method-assign]

    def sum(self) -> int:
        return sum(int(member(self._world, i)["point"]) for i in self._pair)


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))]
)
async def test_points_are_conserved_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(PointsTransfer, "patience", PATIENCE)
    monkeypatch.setattr(MemberMerge, "again", PATIENCE)
    async with a_world(tmp_path, GATEWAY_UPSTREAM_TIMEOUT="1") as world:
        for number in range(3):
            await _one_merge(world, chance, number)


async def _one_merge(world: World, chance: random.Random, number: int) -> None:
    one = store_member(world, customerCode=f"A{number}", mailAddress=f"a{number}@example.jp")
    two = store_member(world, customerCode=f"B{number}", mailAddress=f"b{number}@example.jp")
    for each in (one, two):
        world.sandbox.smaregi.edit(each, point=str(chance.choice((0, 1, 30, 500, 12345))))
    watch = _Watch(world, (one, two))
    total = watch.sum()
    code: int | None = 1
    for _ in range(3):
        world.sandbox.faults.set("smaregi", *(_fault(chance) for _ in range(chance.randint(1, 3))))
        code = (await told(world.core.member_merge.merge(one, two, None))).code
        assert watch.sum() <= watch.highest <= total
        if chance.random() < 0.3:
            await world.restart()
    world.sandbox.faults.clear()
    for _ in range(6):  # what the last fault left unclear is cleared up, then done
        code = (await told(world.core.member_merge.merge(one, two, None))).code
        if code == 0:
            break
    assert code == 0
    assert watch.highest == total
    assert sorted(int(member(world, i)["point"]) for i in (one, two)) == sorted([0, total])
