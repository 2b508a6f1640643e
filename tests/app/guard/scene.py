"""Two shops, and customers who leave in a mass."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.sandbox import HubspotOptions, Sandbox, SandboxOptions, ShopifyOptions, SmaregiOptions
from gateway.store import links
from gateway.store import removals as store
from gateway.sync.webhooks import CustomerEvents
from tests.sync.webhooks.webhook import arrived
from tests.world import World, a_world

__all__ = [
    "a_shop",
    "another",
    "contacts",
    "held",
    "hurry",
    "leave",
    "linked",
    "pass_over",
    "settings_of",
]

OF = {
    "shopify": ("SHOPIFY_",),
    "smaregi": ("SMAREGI_",),
    "crm": ("HUBSPOT_",),
}


def settings_of(sandbox: Sandbox, *systems: str) -> dict[str, str]:
    """What leads to these systems of a sandbox."""
    prefixes = tuple(each for system in systems for each in OF[system])
    found = sandbox.environment().items()
    return {name: value for name, value in found if name.startswith(prefixes)}


@asynccontextmanager
async def a_shop(folder: Path, customers: int, **settings: str) -> AsyncIterator[World]:
    """With so many customers who signed up, all of them in every system."""
    options = SandboxOptions(
        shopify=ShopifyOptions(search_lag=0.0, unlimited=True),
        smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
        hubspot=HubspotOptions(per_ten_seconds=1_000_000),
    )
    async with a_world(folder, options, FLAG_EMAIL="off", **settings) as world:
        hurry(world)
        await world.core.reconciliation.begin()
        for start in range(1, customers + 1, 10):
            numbers = range(start, min(start + 10, customers + 1))
            await asyncio.gather(*(world.register(number=each) for each in numbers))
        await world.settled()
        assert await linked(world) == customers
        yield world


@asynccontextmanager
async def another() -> AsyncIterator[Sandbox]:
    """Another shop, another contract, another account."""
    options = SandboxOptions(
        shopify=ShopifyOptions(store="other.myshopify.com", first_id=8000000000001),
        smaregi=SmaregiOptions(contract_id="sb_other"),
        hubspot=HubspotOptions(portal_id=999),
    )
    async with Sandbox(options) as sandbox:
        yield sandbox


def hurry(world: World, grace: float = 0.1) -> None:
    handler = world.core.events.handlers["shopify"]
    assert isinstance(handler, CustomerEvents)
    handler.grace = handler.unsaid = grace


async def linked(world: World) -> int:
    """Customers with a record."""
    ids = await world.core.db.read(lambda db: links.customers_after(db, 0, 10_000))
    return len(ids)


def contacts(sandbox: Sandbox) -> int:
    """Contacts that are not archived."""
    return sum(not each.archived for each in sandbox.hubspot.contacts.values())


async def held(world: World) -> int:
    return await world.core.db.read(store.held)


async def pass_over(world: World) -> None:
    """A pass, and what webhooks and worker make of it."""
    await world.core.reconciliation.once()
    await arrived(world)


def leave(world: World, ids: Iterable[int]) -> None:
    for each in list(ids):
        world.sandbox.shopify.delete_customer(each)
