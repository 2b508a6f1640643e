"""Deliveries in an outbox: added, changed, settled and read again."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.store import outbox
from gateway.store.outbox import AttemptResult

__all__ = ["HANAKO", "TARO", "add", "change", "ids", "kept", "row", "settle"]
TARO, HANAKO = 7000000000001, 7000000000002


def add(
    db: sqlite3.Connection,
    channel: str = "crm",
    outcome: Outcome = Outcome.PENDING,
    *,
    customer: int = TARO,
    kind: Kind = Kind.REGISTRATION,
    now: float = 100.0,
    registration: str | None = "r1",
    **more: Any,
) -> Delivery:
    new = NewDelivery(channel, kind, outcome, **more)
    return outbox.add(db, customer, registration, [new], now)[0]


def change(db: sqlite3.Connection, delivery: Delivery, **columns: Any) -> Delivery:
    columns = {"id": delivery.id, **columns}
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE deliveries SET {names} WHERE id = ?", (*columns.values(), delivery.id))
    return row(db, delivery)


def row(db: sqlite3.Connection, delivery: Delivery) -> Delivery:
    found = outbox.get(db, delivery.id)
    assert found is not None
    return found


def ids(rows: Iterable[Delivery]) -> list[int]:
    return [each.id for each in rows]


def kept(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT id FROM deliveries WHERE kept_back = 1 ORDER BY id")
    return [each[0] for each in found]


def _link(db: sqlite3.Connection, channel: str, customer: int, **columns: Any) -> None:
    whole = {
        "channel": channel,
        "customer_id": customer,
        "reference": f"{channel}-{customer}",
        "created_at": 1.0,
        "updated_at": 1.0,
        **columns,
    }
    places = ", ".join("?" * len(whole))
    db.execute(f"INSERT INTO links ({', '.join(whole)}) VALUES ({places})", tuple(whole.values()))


def settle(db: sqlite3.Connection, delivery: Delivery, outcome: Outcome, **more: Any) -> Delivery:
    end = AttemptResult(delivery.id, outcome, started_at=150.0, **more)
    return outbox.settle(db, [end], 200.0)[delivery.id]
