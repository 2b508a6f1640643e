"""A registered customer, the change of their profile, and what each system has."""

from typing import Any

from gateway.outcomes import Kind
from tests.world import Reply, World

__all__ = ["contact", "member", "patch", "registered", "shopify", "updates"]


async def registered(world: World, **changes: Any) -> int:
    reply = await world.register(**changes)
    assert reply.status == 201
    return int(reply.body["member_number"])


async def patch(world: World, customer_id: int, **changes: Any) -> Reply:
    return await world.patch(f"/v1/customers/{customer_id}", changes)


def shopify(world: World, customer_id: int) -> Any:
    return world.sandbox.shopify.customers[customer_id]


def member(world: World) -> Any:
    (row,) = world.sandbox.smaregi.members.values()
    return row


def contact(world: World) -> Any:
    (found,) = world.sandbox.hubspot.contacts.values()
    return found.properties


async def updates(world: World) -> list[str]:
    return [str(d.outcome) for d in await world.deliveries() if d.kind is Kind.UPDATE]
