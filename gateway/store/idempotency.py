"""Idempotency keys, and the answers that are remembered under them."""

import sqlite3

from gateway.store.paging import LOOKED

__all__ = ["forget_unanswered_keys", "free_key", "remember"]


def free_key(db: sqlite3.Connection, key: bytes) -> None:
    """An idempotency key without an answer does not stay busy for a day."""
    db.execute("DELETE FROM idempotency_keys WHERE key = ? AND status IS NULL", (key,))


def remember(db: sqlite3.Connection, key: bytes, status: int, answer: bytes, now: float) -> None:
    """Stores the answer under its idempotency key."""
    db.execute(
        "UPDATE idempotency_keys SET status = ?, answer = ?, created_at = ? WHERE key = ?",
        (status, answer, now, key),
    )


def forget_unanswered_keys(db: sqlite3.Connection, after: bytes) -> tuple[int, bytes | None]:
    """Keys whose owner died before it answered are free: nobody was told anything. A page of all
    keys, behind `after`.
    """
    rows = db.execute(
        "SELECT key, status FROM idempotency_keys WHERE key > ? ORDER BY key LIMIT ?",
        (after, LOOKED),
    ).fetchall()
    free = [(row["key"],) for row in rows if row["status"] is None]
    db.executemany("DELETE FROM idempotency_keys WHERE key = ?", free)
    return len(free), rows[-1]["key"] if rows else None
