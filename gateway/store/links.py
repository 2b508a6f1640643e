"""Queries on links: which record of which system is which customer."""

import sqlite3
from collections.abc import Sequence

from gateway.outcomes import Link

__all__ = ["any_of", "get", "of_reference"]


def _row(row: sqlite3.Row) -> Link:
    return Link(row["channel"], row["customer_id"], row["reference"], row["member_number"])


def get(db: sqlite3.Connection, channel: str, customer_id: int) -> Link | None:
    row = db.execute(
        "SELECT * FROM links WHERE channel = ? AND customer_id = ?", (channel, customer_id)
    ).fetchone()
    return _row(row) if row else None


def any_of(db: sqlite3.Connection, customer_id: int, channels: Sequence[str]) -> bool:
    """Whether one of these channels has a record of the customer."""
    return any(get(db, channel, customer_id) is not None for channel in channels)


def of_reference(db: sqlite3.Connection, channel: str, reference: str) -> Link | None:
    """The customer whose record this is."""
    row = db.execute(
        "SELECT * FROM links WHERE channel = ? AND reference = ? LIMIT 1", (channel, reference)
    ).fetchone()
    return _row(row) if row else None
