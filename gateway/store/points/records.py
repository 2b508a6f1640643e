"""The rows of points, as values. Times are Unix seconds; points below 0 are taken."""

import sqlite3
from dataclasses import dataclass, fields
from typing import Literal

__all__ = ["Movement", "OrderState", "PointOrder", "State", "Way", "movement_of", "order_of"]

OrderState = Literal["waiting", "held", "skipped", "dry_run", "ignored", "given", "failed"]
State = Literal["owed", "sent", "done", "stuck", "void"]
Way = Literal["transaction", "add"]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Movement:
    """Points on their way: the columns of `points_movements`."""

    id: int
    uuid: str
    order_id: int
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


_ORDER = tuple(field.name for field in fields(PointOrder))
_MOVEMENT = tuple(field.name for field in fields(Movement))


def order_of(row: sqlite3.Row) -> PointOrder:
    values = {name: row[name] for name in _ORDER}
    return PointOrder(**{**values, "asked": bool(values["asked"])})


def movement_of(row: sqlite3.Row) -> Movement:
    return Movement(**{name: row[name] for name in _MOVEMENT})
