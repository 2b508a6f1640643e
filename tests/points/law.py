"""The law of points: what orders have earned, less what they have used and what an open code holds,
is what Smaregi has moved for them, once each.

What is right is known from the shop's orders alone. The gateway's own books are asked what it says
to be lacking, and which code is whose.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Self

from gateway.sandbox.shopify.orders import Order, Orders

__all__ = ["Kept", "Moved", "Reserved", "Wrong", "astray", "points_of", "worth_of"]

YEN = 100
"""For which the stand-in's store gives a point; what one is worth there is a yen."""
_ORDER, _RESERVATION = "オンライン注文 ", "オンラインポイント利用 "
_OPEN = {"active", "closing"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """`points` that the customer has too many by it; negative, that are lost to them."""

    text: str
    points: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, as the gateway's books have it. `keyed`: it answers an idempotency key."""

    id: int
    customer_id: int
    code: str
    points: int
    state: str
    lacking: int
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What is lacking of each order, and the reservations."""

    lacking: Mapping[int, int]
    reserved: tuple[Reserved, ...]

    @classmethod
    def read(cls, db: sqlite3.Connection) -> Self:
        lacking = dict(db.execute("SELECT order_id, lacking FROM points_orders").fetchall())
        rows = db.execute(
            """SELECT id, customer_id, code, points, state, lacking, key_hash IS NOT NULL
               FROM points_reservations"""
        )
        return cls(lacking, tuple(Reserved(*row) for row in rows))


class Moved:
    """What transactions have moved: to members, and for each order, or to each reservation, by
    their memo.
    """

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.rows = [row for row in rows if row["memo"]]
        self._for: Counter[str] = Counter()
        self._members: defaultdict[str, set[int]] = defaultdict(set)
        self.to: Counter[int] = Counter()
        for row in self.rows:
            member, points = int(row["customerId"]), points_of(row)
            self._for[row["memo"]] += points
            self._members[row["memo"]].add(member)
            self.to[member] += points

    def for_order(self, order_id: int) -> int:
        return self._for[f"{_ORDER}{order_id}"]

    def taken_for(self, reservation_id: int) -> int:
        return -self._for[f"{_RESERVATION}{reservation_id}"]

    def members_for(self, one: "Order | Reserved") -> set[int]:
        name = _RESERVATION if isinstance(one, Reserved) else _ORDER
        return self._members[f"{name}{one.id}"]

    def reservations(self) -> dict[int, int]:
        """Those for which there is one at all, and what it gave back."""
        found = [memo for memo in self._for if memo.startswith(_RESERVATION)]
        return {int(memo.removeprefix(_RESERVATION)): self._for[memo] for memo in found}


def points_of(row: Mapping[str, str]) -> int:
    return int(row["newPoint"]) - int(row["spendPoint"])


def astray(
    shop: Orders,
    moved: Moved,
    kept: Kept,
    members_of: Callable[[int], Collection[int | None]],
    now: float,
    *,
    earns: bool = True,
) -> Iterator[Wrong]:
    """At rest. `members_of` a customer, and of those who became one with them; `now` is the shop's
    time; `earns`: orders did so.
    """
    orders = list(shop.rows.values())
    yield from _twice(moved)
    everything: list[Order | Reserved] = [*orders, *kept.reserved]
    for each in everything:
        if others := moved.members_for(each).difference(members_of(each.customer_id or 0)):
            yield Wrong(f"{type(each).__name__} {each.id} moved points of members {others}")
    for order in orders:
        due = (worth_of(order) if earns else 0) + kept.lacking.get(order.id, 0)
        if (given := moved.for_order(order.id)) != due:
            text = f"order {order.id} got {given}, due are {due}"
            yield Wrong(f"{text}, {kept.lacking.get(order.id, 0)} of them lacking", given - due)
    bearing = defaultdict(list)
    for order in orders:
        for code in order.discount_codes:
            bearing[code].append(order)
    for one in kept.reserved:
        yield from _of_reservation(one, bearing[one.code], moved)
    yield from _of_nobody(shop, moved, kept, now)


def _twice(moved: Moved) -> Iterator[Wrong]:
    """A number is there once; what its points have done shows where they went."""
    counts = Counter(row["transactionUuid"] for row in moved.rows)
    for uuid, count in counts.items():
        if count > 1:
            yield Wrong(f"the number {uuid} is there {count} times")


def _of_reservation(one: Reserved, orders: Iterable[Order], moved: Moved) -> Iterator[Wrong]:
    """`orders`: those that bear its code."""
    used = sum(_used(order, one.code) for order in orders)
    due = one.points if one.state in _OPEN else used - one.lacking
    taken = moved.taken_for(one.id)
    if taken != due:
        text = f"reservation {one.id} ({one.state}) of {one.points}: {taken} taken, {used} used"
        yield Wrong(f"{text}, {one.lacking} lacking", due - taken)


def _of_nobody(shop: Orders, moved: Moved, kept: Kept, now: float) -> Iterator[Wrong]:
    """Codes and movements of no reservation, and codes that outlive theirs."""
    by_code = {each.code: each for each in kept.reserved}
    for made in shop.discounts.rows.values():
        one = by_code.get(made.code)
        if one is None:
            yield Wrong(f"there is a code of nobody's, for {made.customers}")
        elif one.state not in _OPEN and made.status(now) == "ACTIVE":
            yield Wrong(f"the code of reservation {one.id} ({one.state}) has not ended")
    known = {each.id for each in kept.reserved}
    for reservation_id, points in moved.reservations().items():
        if reservation_id not in known:
            yield Wrong(f"points were moved for no reservation: {reservation_id}", points)


def worth_of(order: Order) -> int:
    """What it earns, by whole hundreds of yen, those that points paid among them."""
    unpaid = not order.payments and order.total > 0
    if order.cancelled_at is not None or unpaid:
        return 0
    cards = sum(
        Fraction(line.full * line.current_quantity, line.quantity)
        for line in order.lines
        if line.is_gift_card
    )
    goods = order.subtotal - cards
    paid = order.net_payment - order.shipping - order.tip - cards
    used = sum((_off(order, code) for code in order.discount_codes), Fraction(0))
    return int(int(max(0, min(goods, paid)) + used) // YEN)


def _used(order: Order, code: str) -> int:
    return 0 if order.cancelled_at is not None else ceil(_off(order, code))


def _off(order: Order, code: str) -> Fraction:
    """What a code takes off what is left of the order."""
    shares = (
        Fraction(line.codes.get(code, 0) * line.current_quantity, line.quantity)
        for line in order.lines
        if line.quantity
    )
    return sum(shares, Fraction(0))
