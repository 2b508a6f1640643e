"""A customer signs up, and a person links or unlinks them."""

from typing import Any

from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.store import outbox
from tests.duplicates.mending import Told, customer_of, told
from tests.world import World

__all__ = ["PATCH", "link", "owed", "shopify_customer", "signed_up", "unlink"]

PATCH = "PATCH /customers"


async def signed_up(world: World, **changes: Any) -> int:
    return customer_of(await world.register(**changes))


async def unlink(world: World, customer: int, *, new_member: bool = True) -> Told:
    return await told(world.core.linking.unlink(customer, new_member=new_member))


async def link(world: World, customer: int, member_id: int) -> Told:
    return await told(world.core.linking.link(customer, member_id))


async def owed(world: World, customer: int) -> Delivery:
    """Another delivery of a customer who has a link."""
    new = NewDelivery("smaregi", Kind.BACKFILL, Outcome.PENDING)
    written = await world.core.db.write(lambda db: outbox.add(db, customer, None, [new], 1.0))
    return written[0]


async def shopify_customer(world: World, customer_id: int) -> Any:
    found = await world.core.linking.customer(customer_id)
    assert found is not None
    return found
