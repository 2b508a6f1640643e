"""People who sign up, and the pairs that are noticed then."""

from typing import Any

from gateway.store import duplicates
from gateway.store.duplicates import Pair
from tests.people import MEMBER
from tests.world import World, registration

__all__ = ["HANAKO", "TARO", "looked_at", "pairs", "sign_up"]

TARO = MEMBER
HANAKO = {"lastName": "佐藤", "firstName": "花子", "lastKana": "サトウ", "firstKana": "ハナコ"}


async def pairs(world: World, *, every_state: bool = False) -> list[Pair]:
    return await world.core.db.read(
        lambda db: duplicates.find(db, limit=100, every_state=every_state)
    )


async def looked_at(world: World) -> list[Pair]:
    """The list once the index is up to date and nobody is left to be looked at."""
    await world.settled()
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    return await pairs(world)


async def sign_up(world: World, **changes: Any) -> int:
    """The id of the member that the sign-up made or chose."""
    reply = await world.register(registration(**changes))
    assert reply.channel("smaregi")["outcome"] == "delivered", reply.body
    return int(reply.channel("smaregi")["reference"])
