"""Queries on what Smaregi's ledger has otherwise than ours."""

import sqlite3
from collections.abc import Iterable
from typing import Literal

from gateway import frozen

__all__ = ["Drift", "Kind", "add", "count", "forget", "listed"]

Kind = Literal["twice", "unknown", "cancelled", "differs"]


@frozen
class Drift:
    """A transaction of Smaregi's. `kind`: its number is there `twice`; it bears a number of ours
    that is `unknown` here; it was `cancelled`; or its points or member `differs`.
    """

    head_id: str
    kind: Kind
    uuid: str
    member_id: int | None
    points: int
    movement_id: int | None
    found_at: float


def add(db: sqlite3.Connection, found: Iterable[Drift]) -> int:
    """The number of those that were not known before."""
    return sum(
        db.execute(
            """INSERT INTO points_drift
                   (head_id, kind, uuid, member_id, points, movement_id, found_at)
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
            (
                each.head_id,
                each.kind,
                each.uuid,
                each.member_id,
                each.points,
                each.movement_id,
                each.found_at,
            ),
        ).rowcount
        for each in found
    )


def listed(db: sqlite3.Connection) -> list[Drift]:
    rows = db.execute(
        """SELECT head_id, kind, uuid, member_id, points, movement_id, found_at
           FROM points_drift ORDER BY found_at, head_id"""
    )
    return [
        Drift(
            row["head_id"],
            row["kind"],
            row["uuid"],
            row["member_id"],
            row["points"],
            row["movement_id"],
            row["found_at"],
        )
        for row in rows
    ]


def count(db: sqlite3.Connection) -> int:
    number: int = db.execute("SELECT count(*) FROM points_drift").fetchone()[0]
    return number


def forget(db: sqlite3.Connection, head_ids: Iterable[str]) -> int:
    """A person has put these right. The number of them."""
    return sum(
        db.execute("DELETE FROM points_drift WHERE head_id = ?", (head_id,)).rowcount
        for head_id in head_ids
    )
