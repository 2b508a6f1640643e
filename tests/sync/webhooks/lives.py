"""What the tests of changes, deletions and merges do, and where they look."""

from typing import Any

from gateway.store import links
from tests.sync.webhooks.webhook import arrived
from tests.world import World, registration

__all__ = ["at_the_till", "contacts", "linked", "signed_up", "writes"]


async def signed_up(world: World, number: int = 0, **changes: Any) -> int:
    """Registered and everywhere, echoes included; the customer's id."""
    reply = await world.register(registration(number, **changes))
    assert reply.body["status"] == "complete", reply.body
    await arrived(world)
    return int(reply.body["member_number"])


def at_the_till(world: World) -> dict[str, Any]:
    (member,) = world.sandbox.smaregi.members.values()
    return dict(member)


def contacts(world: World) -> list[dict[str, Any]]:
    found = world.sandbox.hubspot.contacts.values()
    return [each.properties for each in found if not each.archived]


async def linked(world: World, customer_id: int) -> set[str]:
    names = tuple(world.core.deliverer.routes)
    found = await world.core.db.read(lambda db: links.of_customers(db, names, [customer_id]))
    return {channel for _, channel in found}


def writes(world: World) -> int:
    systems = ("shopify", "smaregi", "crm")
    asked = [entry for system in systems for entry in world.sandbox.journal.of(system)]
    return sum(entry.kind == "write" for entry in asked)
