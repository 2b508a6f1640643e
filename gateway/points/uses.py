"""What orders have used of reserved points, by what Shopify holds of them now."""

import sqlite3
from collections.abc import Callable
from fractions import Fraction

from gateway.delivery import Runtime
from gateway.points.amounts import spent
from gateway.points.holding import balance_books
from gateway.points.settings import PointsSettings
from gateway.shopify import ShopOrder
from gateway.store import Engine
from gateway.store.points import Reservation, reservation_steps, reservations

__all__ = ["OrderUses"]


class OrderUses:
    def __init__(
        self, db: Engine, settings: Callable[[], PointsSettings], runtime: Runtime
    ) -> None:
        self._db = db
        self._settings = settings
        self._runtime = runtime

    async def book(self, order: ShopOrder) -> Fraction:
        """Writes down what it has used, and the difference that follows; the yen that our codes
        take off it.
        """
        found = await self._db.read(lambda db: reservations.touching(db, order.id, order.codes))
        if not found:
            return Fraction(0)
        place, now = self._settings().place, self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            for one in reservations.touching(db, order.id, order.codes):
                reservation_steps.use(db, one.id, order.id, _points(order, one), now)
                balance_books(db, one.id, place, now)

        await self._db.write(unit)
        return sum((order.off(one.code) for one in found), Fraction(0))


def _points(order: ShopOrder, one: Reservation) -> int:
    return spent(order, one.code, one.points, one.yen)
