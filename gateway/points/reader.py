"""An order is read, and what it earns is booked: the one path of every order, refund, edit and
cancellation, of their repetition in any order, and of the pass that finds what webhooks lost.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

from gateway import frozen
from gateway.channels.smaregi import Smaregi
from gateway.delivery import Runtime
from gateway.points.amounts import Rule, earned
from gateway.points.booking import CHANNEL, Booking, book
from gateway.points.rates import Rates
from gateway.points.settings import PointsSettings
from gateway.points.standing import Around, Owner, is_payable, standing
from gateway.points.switch import Switch
from gateway.points.uses import OrderUses
from gateway.shopify import ShopOrder
from gateway.store import Engine, links
from gateway.store.points import PointOrder, orders

__all__ = ["OrderReader", "ReaderParts", "is_active", "owner_of"]

log = logging.getLogger(__name__)

_ACTIVE = {"0", "1", "2"}
"""`status` of a member who has not left the store."""


class Shop(Protocol):
    async def read(self, order_id: int) -> ShopOrder | None: ...


@frozen
class ReaderParts:
    db: Engine
    shop: Shop
    smaregi: Smaregi
    rates: Rates
    switch: Switch
    settings: Callable[[], PointsSettings]
    uses: OrderUses


class OrderReader:
    def __init__(self, parts: ReaderParts, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime

    async def read(self, known: PointOrder) -> None:
        """Reads the order as Shopify holds it now, and books it. Raises UpstreamError."""
        order = await self._of.shop.read(known.order_id)
        used = Fraction(0) if order is None else await self._of.uses.book(order)
        now = self._runtime.clock()
        if known.member_id is not None:
            await self._again(known, order, used, now)
            return
        around = await self._around(known, order, now)
        found = standing(order, around)
        row = replace(_seen(known, order, now), state=found.state, reason=found.reason)
        if order is None or found.state not in {"given", "dry_run"}:
            await self._of.db.write(lambda db: orders.save(db, row))
            return
        await self._first(row, order, used, around)

    async def _again(
        self, known: PointOrder, order: ShopOrder | None, used: Fraction, now: float
    ) -> None:
        """It has got somebody points before: these follow what Shopify holds, whatever the flag."""
        if order is None or known.rule is None:  # Shopify shows it no more: it stays as it is
            kept = replace(known, due_at=None, updated_at=now)
            await self._of.db.write(lambda db: orders.save(db, kept))
            return
        row = _seen(known, order, now)
        target = earned(order, Rule.of(known.rule), used)
        await self._book(replace(row, state="given", reason="", target=target), order, first=False)

    async def _around(self, known: PointOrder, order: ShopOrder | None, now: float) -> Around:
        customer_id = order.customer_id if order is not None else None
        owner = await self._of.db.read(partial(owner_of, customer_id=customer_id))
        mode = self._of.switch.of(customer_id, order.email if order is not None else None)
        period = await self._of.switch.keep()
        return Around(mode, period, self._of.settings(), owner, known.asked, now)

    async def _first(
        self, row: PointOrder, order: ShopOrder, used: Fraction, around: Around
    ) -> None:
        """`row`: it stands as `dry_run`, or as `given`."""
        member = await self._of.smaregi.client.by_id(str(around.owner.member_id))
        if member is None or not is_active(member):
            waiting = replace(row, state="waiting", reason="member_left")
            await self._of.db.write(lambda db: orders.save(db, waiting))
            return
        rule = await self._of.rates.of(member)
        target = earned(order, rule, used)
        if row.state == "dry_run":
            shown = replace(row, target=target)
            await self._of.db.write(lambda db: orders.save(db, shown))
            return
        given = replace(row, target=target, member_id=around.owner.member_id, rule=rule.text())
        await self._book(given, order, first=True)

    async def _book(self, row: PointOrder, order: ShopOrder, *, first: bool) -> None:
        booking = Booking(row, is_payable(order), self._of.settings().place, first)
        now = self._runtime.clock()
        await self._of.db.write(lambda db: book(db, booking, now))


def _seen(known: PointOrder, order: ShopOrder | None, now: float) -> PointOrder:
    """The row with what was read; it is due no more."""
    row = replace(known, due_at=None, updated_at=now)
    if order is None:
        return row
    return replace(
        row,
        customer_id=order.customer_id,
        seen_updated_at=order.updated_at,
        made_at=order.made_at,
        paid_at=order.paid_at,
    )


def owner_of(db: sqlite3.Connection, customer_id: int | None) -> Owner:
    """By the link; one that is just being made, or is not proven, gives nothing yet."""
    if customer_id is None:
        return Owner()
    link = links.get(db, CHANNEL, customer_id)
    if link is None:
        return Owner()
    return Owner(int(link.reference), links.is_withheld(db, CHANNEL, customer_id))


def is_active(row: Mapping[str, Any]) -> bool:
    """Of a member's row."""
    return str(row.get("status") or "0") in _ACTIVE
