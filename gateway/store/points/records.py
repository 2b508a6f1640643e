"""The rows of points, as values. Times are Unix seconds; points below 0 are taken."""

import sqlite3
from dataclasses import field, fields
from typing import Literal

from gateway import frozen

__all__ = [
    "MOVEMENT_COLUMNS",
    "ORDER_COLUMNS",
    "RESERVATION_COLUMNS",
    "Movement",
    "OrderState",
    "PointOrder",
    "Reservation",
    "ReservationState",
    "State",
    "Way",
    "movement_of",
    "order_of",
    "reservation_of",
]

OrderState = Literal["waiting", "held", "skipped", "dry_run", "ignored", "given", "failed"]
ReservationState = Literal["pending", "active", "closing", "used", "released", "refused"]
State = Literal["owed", "sent", "done", "stuck", "void"]
Way = Literal["transaction", "add"]


@frozen
class PointOrder:
    """An order, and what it earns: the columns of `points_orders`."""

    order_id: int
    customer_id: int | None
    member_id: int | None
    state: OrderState
    reason: str
    rule: str | None
    target: int
    lacking: int
    lacking_since: float | None
    asked: bool
    version: int
    seen_updated_at: float | None
    made_at: float | None
    paid_at: float | None
    attempts: int
    error_class: str | None
    message: str | None
    due_at: float | None
    created_at: float
    updated_at: float


@frozen
class Movement:
    """Points on their way, of an order or of a reservation: the columns of `points_movements`."""

    id: int
    uuid: str
    order_id: int | None
    reservation_id: int | None
    number: int
    member_id: int
    points: int
    state: State
    way: Way | None
    store_id: str
    terminal_id: str
    tran_at: int
    sent_at: float | None
    head_id: str | None
    balance_before: int | None
    attempts: int
    message: str | None
    next_at: float
    created_at: float
    updated_at: float


@frozen
class Reservation:
    """Points that a customer spends online: the columns of `points_reservations`."""

    id: int
    customer_id: int
    member_id: int
    points: int
    yen: int
    code: str = field(repr=False)
    state: ReservationState
    tried_at: float | None
    ended_at: float | None
    lacking: int
    lacking_since: float | None
    key_hash: bytes | None
    body_hash: bytes | None
    attempts: int
    error_class: str | None
    message: str | None
    due_at: float | None
    expires_at: float
    created_at: float
    updated_at: float


_ORDER = tuple(each.name for each in fields(PointOrder))
_MOVEMENT = tuple(each.name for each in fields(Movement))
_RESERVATION = tuple(each.name for each in fields(Reservation))


ORDER_COLUMNS = ", ".join(_ORDER)
MOVEMENT_COLUMNS = ", ".join(_MOVEMENT)
RESERVATION_COLUMNS = ", ".join(_RESERVATION)


def order_of(row: sqlite3.Row) -> PointOrder:
    values = {name: row[name] for name in _ORDER}
    return PointOrder(**{**values, "asked": bool(values["asked"])})


def movement_of(row: sqlite3.Row) -> Movement:
    return Movement(**{name: row[name] for name in _MOVEMENT})


def reservation_of(row: sqlite3.Row) -> Reservation:
    return Reservation(**{name: row[name] for name in _RESERVATION})
