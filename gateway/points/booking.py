"""The difference between what an order earns, or a reservation takes, and what it has moved becomes
one new movement.

Written in one transaction with the order or the reservation, before anything is sent. So a kill
before it loses nothing (what it is for is still due), and one after it owes exactly this.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import field, replace

from gateway import frozen
from gateway.store import links
from gateway.store.points import Movement, PointOrder, movements, orders
from gateway.store.points.movements import NewMovement

__all__ = [
    "CHANNEL",
    "Account",
    "Booking",
    "again_at",
    "book",
    "is_ours",
    "move",
    "settle_lack",
    "uuid_of",
]

CHANNEL = "smaregi"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS_OF_ONE, _NUMBER_DIGITS = 9, 2
_LACK_AGAIN = 86400.0
_LACK_ENDS = 90 * 86400.0
"""Seconds after which nobody tries any more to take back by itself what was lacking."""


def uuid_of(order_id: int, number: int) -> str:
    """`E`, the order's id in base 36, `-` and the number of its movement: the 13 characters of a
    receipt's number. ValueError if it would be longer.
    """
    return _uuid("E", _base36(order_id).rjust(_DIGITS_OF_ONE, "0"), number)


def _uuid(letter: str, digits: str, number: int) -> str:
    end = _base36(number)
    if len(digits) > _DIGITS_OF_ONE or len(end) > _NUMBER_DIGITS:
        raise ValueError("an order's id or its number of movements is larger than expected")
    return f"{letter}{digits}-{end}"


def is_ours(uuid: str) -> bool:
    """Whether it may be a number of ours."""
    digits, dash, number = uuid[1:].partition("-")
    whole = len(digits) == _DIGITS_OF_ONE and 0 < len(number) <= _NUMBER_DIGITS
    ours = uuid[:1] in {"E", "R"} and bool(dash)
    return ours and whole and set(digits + number) <= set(_DIGITS)


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


@frozen
class Account:
    """Whose movements they are: an order's, or a reservation's with its `code`."""

    member_id: int
    order_id: int | None = None
    reservation_id: int | None = None
    code: str = field(default="", repr=False)

    def uuid(self, number: int) -> str:
        if self.order_id is not None:
            return uuid_of(self.order_id, number)
        return _uuid("R", self.code[:_DIGITS_OF_ONE], number)


@frozen
class Booking:
    """`order`: as it is to stand, with its target. `may_rise`: it is paid. `place`: store and
    terminal. `first`: it is to get its first points now, so the link must still be as it was read.
    """

    order: PointOrder
    may_rise: bool
    place: tuple[str, str]
    first: bool


def book(db: sqlite3.Connection, booking: Booking, now: float) -> bool:
    """False if the world has changed meanwhile: then the order is read again."""
    order, current = booking.order, orders.get(db, booking.order.order_id)
    if current is None:
        return True  # erased meanwhile
    member_id = current.member_id or order.member_id
    if member_id is None or (booking.first and not _is_linked(db, order)):
        return False
    own = [each for each in movements.of_order(db, order.order_id) if each.state != "void"]
    difference = order.target - sum(each.points for each in own)
    if difference > 0 and not booking.may_rise:
        difference = 0
    if difference:
        move(db, Account(member_id, order.order_id), own, difference, booking.place, now)
    since = current.lacking_since if difference else None
    orders.save(db, replace(order, member_id=member_id, lacking=0, lacking_since=since))
    return True


def _is_linked(db: sqlite3.Connection, order: PointOrder) -> bool:
    link = links.get(db, CHANNEL, order.customer_id or 0)
    return link is not None and link.reference == str(order.member_id) and link.unproven is None


def move(
    db: sqlite3.Connection,
    account: Account,
    own: Sequence[Movement],
    difference: int,
    place: tuple[str, str],
    now: float,
) -> None:
    """By one more movement; of one that was not sent yet the points change instead.

    Without a store of today's settings it is that of the last one.
    """
    last = own[-1] if own else None
    if last is not None and last.state == "owed":
        movements.change_points(db, last.id, last.points + difference, now)
        return
    used = {each.number for each in own}
    number = next(n for n in range(1, len(used) + 2) if n not in used)
    if last is not None and not place[0]:
        place = last.store_id, last.terminal_id
    new = NewMovement(
        account.uuid(number),
        account.order_id,
        account.reservation_id,
        number,
        account.member_id,
        difference,
        place,
        int(now),
    )
    movements.add(db, new, now)


def settle_lack(db: sqlite3.Connection, one: Movement, balance: int, now: float) -> None:
    """The member has fewer points than are to be taken: what is there is, and the rest lacks.

    An order that was noticed meanwhile stays due.
    """
    order = orders.get(db, one.order_id or 0)
    if order is None or not movements.change_points(db, one.id, -balance, now):
        return
    since = order.lacking_since or now
    again = again_at(since, now)
    due_at = order.due_at if again is None else min(again, order.due_at or again)
    lacking = order.lacking - one.points - balance
    orders.save(
        db, replace(order, lacking=lacking, lacking_since=since, due_at=due_at, updated_at=now)
    )


def again_at(since: float, now: float) -> float | None:
    """When it is tried again to take what has been lacking since then."""
    return now + _LACK_AGAIN if now - since < _LACK_ENDS else None
