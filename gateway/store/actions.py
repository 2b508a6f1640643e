"""The log of actions: what people did, when, and to whom, in ids."""

import sqlite3

from gateway import frozen
from gateway.store.paging import EVERY, PAGE

__all__ = ["Action", "add", "expire", "forget", "page"]


@frozen
class Action:
    """`actor` is a role and which of its sessions. `subject`: ids and our own words, no values.

    `why` is what the person gave as the reason. `id` is 0 until it is written.
    """

    at: float
    actor: str
    action: str
    customer_id: int | None = None
    subject: str = ""
    why: str = ""
    id: int = 0


def add(db: sqlite3.Connection, new: Action) -> None:
    db.execute(
        """INSERT INTO actions (at, actor, action, customer_id, subject, why)
           VALUES (?, ?, ?, ?, ?, ?)""",
        (new.at, new.actor, new.action, new.customer_id, new.subject, new.why),
    )


def page(
    db: sqlite3.Connection, before: int | None, limit: int, customer_id: int | None = None
) -> list[Action]:
    """The newest, behind the id `before`."""
    rows = db.execute(
        """SELECT at, actor, action, customer_id, subject, why, id FROM actions
           WHERE id < ?1 AND (CAST(?2 AS BIGINT) IS NULL OR customer_id = ?2)
           ORDER BY id DESC LIMIT ?3""",
        (EVERY if before is None else before, customer_id, limit),
    )
    return [Action(*row) for row in rows]


def forget(db: sqlite3.Connection) -> None:
    """Of every customer: that something was done stays, to whom and why does not."""
    db.execute(
        """UPDATE actions SET customer_id = NULL, subject = '', why = ''
           WHERE customer_id IS NOT NULL"""
    )


def expire(db: sqlite3.Connection, before: float) -> int:
    """Delete a page of what is older; the number of rows."""
    return db.execute(
        "DELETE FROM actions WHERE id IN (SELECT id FROM actions WHERE at < ? LIMIT ?)",
        (before, PAGE),
    ).rowcount
