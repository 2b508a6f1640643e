"""A shop whose orders earn points: what happens in it, and what came of it in Smaregi."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.points import ORDER_TOPICS
from gateway.sandbox import SandboxOptions, ShopifyOptions, SmaregiOptions
from gateway.sandbox.shopify.orders import Order
from gateway.store.points import Movement, PointOrder, movements, orders
from tests.sync.webhooks.webhook import from_shopify, send
from tests.world import Reply, World, a_world

__all__ = ["Shop", "a_shop"]

EARNING = {
    "FLAG_CRM": "off",
    "FLAG_EMAIL": "off",
    "FLAG_POINTS_EARN": "on",
    "POINTS_STORE_ID": "1",
    "GATEWAY_RETRY_SCHEDULE": "0.1,0.1,0.1",
}
_ON_THEIR_WAY = """
    SELECT 1 FROM points_orders WHERE due_at IS NOT NULL AND lacking = 0
    UNION ALL SELECT 1 FROM points_movements WHERE state IN ('owed', 'sent')
    UNION ALL SELECT 1 FROM points_reservations
        WHERE due_at <= ? AND lacking = 0 LIMIT 1"""


class Shop:
    def __init__(self, world: World) -> None:
        self.world = world
        self.orders = world.sandbox.shopify.orders
        self.smaregi = world.sandbox.smaregi
        self.customer = 0
        self.member = 0

    async def sign_up(self, **changes: Any) -> tuple[int, int]:
        """(customer, member); the first one is `customer` and `member` from then on."""
        reply = await self.world.register(**changes)
        assert reply.status == 201, reply.body
        customer = int(reply.body["shopify_customer_id"].rpartition("/")[2])
        member = int(reply.channel("smaregi")["reference"])
        if not self.customer:
            self.customer, self.member = customer, member
        return customer, member

    async def hear(self) -> None:
        """Shopify's webhooks about orders arrive from now on."""
        address = f"{self.world.url}/webhooks/shopify"
        await self.world.core.subscriptions.install(address, [*ORDER_TOPICS])

    async def told(self, topic: str, body: Any) -> Reply:
        """A webhook made by hand."""
        return await send(self.world, "shopify", *from_shopify(topic, body))

    def buy(self, *prices: Any, customer: int | None = None, **fields: Any) -> Order:
        return self.orders.place(customer or self.customer, prices, **fields)

    async def notice(self, order: Order) -> None:
        """As its webhook does, and everything that follows."""
        await self.world.core.points.noticed(order.id)
        await self.rest()

    async def rest(self) -> None:
        """Until no order is due and nothing is on its way, unless it is stuck."""
        self.world.core.points.worker._wake.set()
        await self.world.sandbox.shopify.webhooks.settled()

        async def busy() -> bool:
            def unit(db: sqlite3.Connection) -> bool:
                return db.execute(_ON_THEIR_WAY, (time.time(),)).fetchone() is not None

            return await self.world.core.db.read(unit)

        for _ in range(1500):
            if not await busy():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("points are still on their way")

    @property
    def balance(self) -> int:
        return int(self.smaregi.members[self.member]["point"] or "0")

    @property
    def posted(self) -> list[tuple[str, int]]:
        """(number, points) of each transaction that bears one of ours."""
        return [
            (row["transactionUuid"], int(row["newPoint"]) - int(row["spendPoint"]))
            for row in self.smaregi.transactions.rows.values()
            if row["transactionUuid"][0] in "ER"
        ]

    async def row(self, order: Order) -> PointOrder:
        found = await self.world.core.db.read(lambda db: orders.get(db, order.id))
        assert found is not None
        return found

    async def state(self, order: Order) -> tuple[str, str]:
        row = await self.row(order)
        return row.state, row.reason

    async def moved(self, order: Order) -> list[Movement]:
        return await self.world.core.db.read(lambda db: movements.of_order(db, order.id))


@asynccontextmanager
async def a_shop(
    folder: Path,
    smaregi: SmaregiOptions | None = None,
    shopify: ShopifyOptions | None = None,
    *,
    member: bool = True,
    **settings: str,
) -> AsyncIterator[Shop]:
    """Somebody has signed up in it, and is a member without points."""
    options = SandboxOptions(
        shopify=shopify or ShopifyOptions(search_lag=0.0), smaregi=smaregi or SmaregiOptions()
    )
    async with a_world(folder, options, **{**EARNING, **settings}) as world:
        shop = Shop(world)
        if member:
            await shop.sign_up()
        yield shop
