"""Requests to Shopify that hang, and what is unclear then."""

from typing import Any

from gateway.sandbox import Fault
from tests.world import World

__all__ = ["CREATE", "FIND", "asked_again", "hangs", "is_hanging", "unclear"]
CREATE, FIND = "customerCreate", "customerByIdentifier"


async def hangs(world: World, match: str) -> None:
    """The next request of that name waits until the faults are cleared."""
    world.sandbox.faults.set("shopify", Fault("hang", match=match, times=1))


async def is_hanging(world: World) -> None:
    await world.until(lambda: world.sandbox.faults.listing()["shopify"][-1]["left"] == 0)


async def unclear(world: World, **changes: Any) -> str:
    """A sign-up whose create was carried out and whose answer is lost; recovery's look hangs."""
    world.sandbox.faults.set("shopify", Fault("drop", match=CREATE, times=1))
    world.sandbox.faults.set("shopify", Fault("status", status=500, match=FIND, times=2))
    await hangs(world, FIND)
    reply = await world.register(**changes)
    assert reply.status == 503, reply.body
    await is_hanging(world)
    return str(reply.body["registration_id"])


async def asked_again(world: World) -> None:
    """Until recovery has looked once more, and acted on it."""
    before = len(world.sandbox.journal.of("shopify", FIND))
    await world.until(lambda: len(world.sandbox.journal.of("shopify", FIND)) > before + 1)
