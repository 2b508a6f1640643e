"""A shop in whose books of points every state is to be seen, as after a bad day."""

import sqlite3
import time

from gateway.store.points.drift import Drift, add
from tests.points.spending import Spender

__all__ = ["every_state"]

_DAY = 86400.0
_ORDERS = [
    ("given", "", 1250, 0),
    ("given", "", 0, 300),
    ("waiting", "no_member", 0, 0),
    ("waiting", "unpaid", 0, 0),
    ("held", "", 0, 0),
    ("skipped", "", 0, 0),
    ("dry_run", "", 98, 0),
    ("ignored", "no_checkout", 0, 0),
    ("failed", "", 0, 0),
]
"""(state, reason, target, lacking)"""
_RESERVATIONS = [
    ("active", 500, 0),
    ("closing", 120, 0),
    ("used", 1200, 0),
    ("used", 300, 45),
    ("released", 30, 0),
    ("refused", 5000, 0),
]
"""(state, points, lacking)"""
_MOVEMENTS = [
    ("done", 1250, None),
    ("owed", 98, None),
    ("sent", -300, "no answer within 10 s"),
    ("stuck", -500, "Smaregi has it 2 times: transactions 4711, 4712"),
    ("stuck", 12, "Smaregi has another member or other points under its number: transaction 4713"),
]


async def every_state(spender: Spender) -> None:
    """Of the shop's customer; nothing of it moves by itself for a day."""
    now = time.time()

    def unit(db: sqlite3.Connection) -> None:
        _orders(db, spender.shop.customer, spender.shop.member, now)
        _reservations(db, spender.shop.customer, spender.shop.member, now)
        _movements(db, spender.shop.member, now)
        kinds = ("twice", "unknown", "cancelled", "differs")
        found = [
            Drift(f"471{n}", kind, f"E24KD131M{n}-1", spender.shop.member, 12, n, now)  # type: ignore[arg-type]
            for n, kind in enumerate(kinds)
        ]
        add(db, found)

    await spender.shop.world.core.db.write(unit)


def _orders(db: sqlite3.Connection, customer: int, member: int, now: float) -> None:
    for number, (state, reason, target, lacking) in enumerate(_ORDERS):
        message = "order: the answer cannot be understood" if state == "failed" else None
        db.execute(
            """INSERT INTO points_orders
                   (order_id, customer_id, member_id, state, reason, target, lacking, message,
                    made_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                *(6000000000101 + number, customer, member if state == "given" else None, state),
                *(reason, target, lacking, message, now - number * _DAY, now, now),
            ),
        )


def _reservations(db: sqlite3.Connection, customer: int, member: int, now: float) -> None:
    for number, (state, points, lacking) in enumerate(_RESERVATIONS):
        db.execute(
            """INSERT INTO points_reservations
                   (customer_id, member_id, points, yen, code, state, lacking, ended_at, expires_at,
                    created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                *(customer, member, points, points, f"CODE{number}", state, lacking),
                *(None if state == "active" else now, now + _DAY, now, now),
            ),
        )


def _movements(db: sqlite3.Connection, member: int, now: float) -> None:
    """Of the first reservation and of orders."""
    for number, (state, points, message) in enumerate(_MOVEMENTS):
        order = None if points == -500 else 6000000000101 + number
        db.execute(
            """INSERT INTO points_movements
                   (uuid, order_id, reservation_id, number, member_id, points, state, store_id,
                    terminal_id, tran_at, head_id, message, next_at, created_at, updated_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, '1', '999999999', ?, ?, ?, ?, ?, ?)""",
            (
                *(f"E24KD131M{number}-1", order, 1 if order is None else None, 1, member, points),
                *(state, int(now), "4710" if state == "done" else None, message),
                *(now + _DAY, now, now),
            ),
        )
