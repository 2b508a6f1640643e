"""Two members to be merged, the merge, and what it did."""

from typing import Any

from gateway.sandbox import Fault
from gateway.store import merges
from gateway.store.merges import Merge
from tests.duplicates.mending import Told, member, store_member, told
from tests.world import World

__all__ = [
    "ADD",
    "GIVE",
    "PATIENCE",
    "TAKE",
    "balances",
    "fault_at",
    "merge",
    "pair",
    "row",
    "sent",
]

ADD = "point/add"
PATIENCE = 0.3


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
