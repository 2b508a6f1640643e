"""Tables with more rows than a page holds, and how many rows each unit changes."""

import sqlite3
from collections.abc import Callable
from typing import Any

from gateway.store.paging import PAGE, Run

__all__ = ["DAY", "MANY", "NOW", "counted", "deferred_rows", "deliveries", "times", "webhooks"]

MANY = 2 * PAGE + 100
NOW = 1_000_000.0
DAY = 86400.0


def deliveries(db: sqlite3.Connection, outcome: str, many: int = MANY, **columns: Any) -> list[int]:
    """As many, each another customer's; the ids."""
    known = {"channel": "crm", "kind": "backfill", "created_at": NOW, "updated_at": NOW} | columns
    names, marks = ", ".join(known), ", ".join("?" * len(known))
    first = db.execute("SELECT coalesce(max(customer_id), 0) FROM deliveries").fetchone()[0]
    db.executemany(
        f"INSERT INTO deliveries (customer_id, outcome, {names}) VALUES (?, ?, {marks})",
        [(first + n, outcome, *known.values()) for n in range(1, many + 1)],
    )
    return [row[0] for row in db.execute("SELECT id FROM deliveries ORDER BY id")][-many:]


def deferred_rows(db: sqlite3.Connection, many: int = MANY, *, claimed: int = 0) -> None:
    db.executemany(
        """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at,
                                      next_try_at, end_at, claimed)
           VALUES (?, 'waiting', ?, x'00', ?1, ?3, ?4, ?5, ?6)""".replace("?1", str(NOW)),
        [(f"r{n:05}", b"%d" % n, NOW - n, NOW + n, NOW + DAY - n, claimed) for n in range(many)],
    )


def webhooks(db: sqlite3.Connection, state: str, many: int = MANY, **columns: Any) -> None:
    times = {"received_at": NOW, "updated_at": NOW, "next_attempt_at": NOW} | columns
    db.executemany(
        f"""INSERT INTO events (id, source, topic, state, {", ".join(times)})
            VALUES (?, 'shopify', 'customers/update', ?, ?, ?, ?)""",
        [(f"shopify:{n}", state, *times.values()) for n in range(many)],
    )


def counted(db: sqlite3.Connection, sizes: list[int]) -> Run:
    """Runs units; writes down how many rows each has changed."""

    async def run(unit: Callable[[sqlite3.Connection], Any]) -> Any:
        before = db.total_changes
        result = unit(db)
        sizes.append(db.total_changes - before)
        return result

    return run


def times(db: sqlite3.Connection, table: str, column: str) -> dict[Any, float]:
    return {row[0]: row[1] for row in db.execute(f"SELECT id, {column} FROM {table}")}
