"""A shop in which points can be spent: what a storefront asks for, and time that passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.sandbox import ShopifyOptions, SmaregiOptions
from gateway.sandbox.shopify.discounts import DiscountCodeBasic
from gateway.store.points import Reservation, movements, reservations
from tests.points.shop import Shop, a_shop
from tests.world import Reply

__all__ = ["START", "Spender", "spending"]

START = 1000


class Spender:
    """`shop.customer` has START points at first."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.discounts = shop.orders.discounts

    def path(self, reservation_id: Any = None, customer: Any = None) -> str:
        base = f"/v1/customers/{customer or self.shop.customer}/points/reservations"
        return base if reservation_id is None else f"{base}/{reservation_id}"

    async def ask(self, points: Any = 500, key: str | None = None, **changes: Any) -> Reply:
        headers = {"Idempotency-Key": key} if key else {}
        body = changes.pop("body", {"points": points})
        return await self.shop.world.request("POST", self.path(**changes), body, headers=headers)

    async def reserve(self, points: int = 500) -> dict[str, Any]:
        reply = await self.ask(points)
        assert reply.status == 201, reply.body
        return dict(reply.body)

    async def shown(self, reservation_id: int) -> Reply:
        return await self.shop.world.request("GET", self.path(reservation_id))

    async def delete(self, reservation_id: int) -> Reply:
        return await self.shop.world.request("DELETE", self.path(reservation_id))

    async def row(self, reservation_id: int) -> Reservation:
        db = self.shop.world.core.db
        found = await db.read(lambda db: reservations.get(db, reservation_id))
        assert found is not None
        return found

    async def state(self, reservation_id: int) -> str:
        return (await self.row(reservation_id)).state

    async def until(self, reservation_id: int, state: str) -> None:
        """It comes to this state, and its points to rest."""
        for _ in range(2000):
            await self.shop.rest()
            if await self.state(reservation_id) == state:
                await self.shop.rest()
                return
            await asyncio.sleep(0.01)
        raise AssertionError(await self.row(reservation_id))

    async def moved(self, reservation_id: int) -> list[int]:
        db = self.shop.world.core.db
        found = await db.read(lambda db: movements.of_reservation(db, reservation_id))
        return [each.points for each in found if each.state == "done"]

    async def expire(self, reservation_id: int) -> None:
        """Its time is over."""
        await self.shop.world.core.db.write(
            lambda db: db.execute(
                "UPDATE points_reservations SET expires_at = 0, due_at = 0 WHERE id = ?",
                (reservation_id,),
            )
        )
        await self.shop.rest()

    def code(self, reservation: dict[str, Any]) -> DiscountCodeBasic:
        found = self.discounts.by_code(reservation["code"])
        assert found is not None
        return found


@asynccontextmanager
async def spending(
    folder: Path,
    smaregi: SmaregiOptions | None = None,
    shopify: ShopifyOptions | None = None,
    **settings: str,
) -> AsyncIterator[Spender]:
    flags: dict[str, Any] = {"FLAG_POINTS_SPEND": "on", "FLAG_POINTS_EARN": "off", **settings}
    async with a_shop(folder, smaregi, shopify, **flags) as shop:
        shop.smaregi.edit(shop.member, point=str(START))
        yield Spender(shop)
