"""One customer in three systems, and what to ask of them."""

from typing import Any

from gateway.sandbox import JournalEntry
from gateway.store import links
from tests.sync.updates.test_changed import settled
from tests.sync.webhooks.webhook import worked
from tests.world import World

__all__ = [
    "at_the_till",
    "contact",
    "fingerprints",
    "in_shopify",
    "member",
    "quiet",
    "record",
    "signed_up",
    "writes",
]


async def signed_up(world: World, **fields: Any) -> int:
    """A sign-up with all its webhooks worked; the journal begins anew. The customer's id."""
    reply = await world.register(**fields)
    assert reply.body["status"] == "complete", reply.body
    await quiet(world)
    world.sandbox.journal.clear()
    return int(reply.body["shopify_customer_id"].rpartition("/")[2])


async def quiet(world: World) -> None:
    """Until every webhook is received and worked, and every delivery was tried."""
    for _ in range(3):
        await world.sandbox.shopify.webhooks.settled()
        await world.sandbox.smaregi.webhooks.settled()
        await worked(world, 20)
        await settled(world)


async def at_the_till(world: World, **fields: str | None) -> None:
    (member_id,) = world.sandbox.smaregi.members
    world.sandbox.smaregi.edit(member_id, **fields)
    await quiet(world)


def member(world: World) -> dict[str, Any]:
    (row,) = world.sandbox.smaregi.members.values()
    return dict(row)


def contact(world: World) -> dict[str, Any]:
    (found,) = world.sandbox.hubspot.contacts.values()
    return dict(found.properties)


def record(world: World) -> Any:
    """The customer as the stand-in of Shopify has them."""
    (found,) = world.sandbox.shopify.customers.values()
    return found


async def in_shopify(world: World) -> Any:
    """The customer's profile as the gateway reads it."""
    found = await world.core.shopify.read([record(world).id])
    return found[record(world).id].profile


def writes(world: World, system: str) -> list[JournalEntry]:
    return world.sandbox.journal.writes(system)


async def fingerprints(world: World) -> dict[str, str]:
    link = await world.core.db.read(lambda db: links.get(db, "smaregi", record(world).id))
    assert link is not None
    return dict(link.fingerprints or {})
