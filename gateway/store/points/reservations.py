"""Questions about points that customers spend online."""

import sqlite3
from collections.abc import Iterable

import orjson

from gateway.store.points.records import RESERVATION_COLUMNS, Reservation, reservation_of

__all__ = [
    "any_of_them",
    "are_open",
    "by_key",
    "counts",
    "due",
    "get",
    "is_used",
    "listed",
    "next_due",
    "of_customer",
    "touching",
    "used_points",
]

_SELECT = f"SELECT {RESERVATION_COLUMNS} FROM points_reservations"  # noqa: S608
_DAY = 86400.0
_FAR = 2 * 86400.0
"""Seconds: nothing is ever put off further, so what lies beyond was written by a wrong clock."""


def get(db: sqlite3.Connection, reservation_id: int) -> Reservation | None:
    row = db.execute(f"{_SELECT} WHERE id = ?", (reservation_id,)).fetchone()
    return reservation_of(row) if row else None


def by_key(db: sqlite3.Connection, hashes: Iterable[bytes], now: float) -> Reservation | None:
    """The one that was opened with this idempotency key, by any of its hashes, within a day."""
    for each in hashes:
        row = db.execute(
            f"{_SELECT} WHERE key_hash = ? AND created_at > ?",
            (each, now - _DAY),
        ).fetchone()
        if row is not None:
            return reservation_of(row)
    return None


def touching(db: sqlite3.Connection, order_id: int, codes: Iterable[str]) -> list[Reservation]:
    """Those that the order used, by what was read before or by the codes that it bears now."""
    rows = db.execute(
        f"""{_SELECT}
           WHERE id IN (SELECT reservation_id FROM points_uses WHERE order_id = ?1)
                 OR code IN (SELECT CAST(one.value AS TEXT) FROM json_each(CAST(?2 AS TEXT)) AS one)
           ORDER BY id""",  # noqa: S608
        (order_id, orjson.dumps(sorted(codes)).decode()),
    )
    return [reservation_of(row) for row in rows]


def is_used(db: sqlite3.Connection, reservation_id: int) -> bool:
    row = db.execute(
        "SELECT 1 FROM points_uses WHERE reservation_id = ?", (reservation_id,)
    ).fetchone()
    return row is not None


def used_points(db: sqlite3.Connection, reservation_id: int) -> int:
    row = db.execute(
        "SELECT CAST(sum(points) AS BIGINT) FROM points_uses WHERE reservation_id = ?",
        (reservation_id,),
    ).fetchone()
    return row[0] or 0


def due(db: sqlite3.Connection, now: float, limit: int) -> list[Reservation]:
    """About which something is to be done now, the longest due first."""
    rows = db.execute(
        f"""{_SELECT} WHERE due_at <= ?1 OR due_at > ?1 + ?3
           ORDER BY due_at, id LIMIT ?2""",
        (now, limit, _FAR),
    )
    return [reservation_of(row) for row in rows]


def next_due(db: sqlite3.Connection) -> float | None:
    row = db.execute(
        "SELECT min(due_at) FROM points_reservations WHERE due_at IS NOT NULL"
    ).fetchone()
    at: float | None = row[0]
    return at


def any_of_them(db: sqlite3.Connection) -> bool:
    """Whether orders may use points."""
    return db.execute("SELECT 1 FROM points_reservations LIMIT 1").fetchone() is not None


def are_open(db: sqlite3.Connection) -> bool:
    """Whether any holds points whose use is not decided."""
    row = db.execute(
        """SELECT 1 FROM points_reservations
           WHERE state IN ('pending', 'active', 'closing') LIMIT 1"""
    ).fetchone()
    return row is not None


def of_customer(db: sqlite3.Connection, customer_id: int, limit: int) -> list[Reservation]:
    """The newest first."""
    rows = db.execute(
        f"""{_SELECT} WHERE customer_id = ?
           ORDER BY created_at DESC, id DESC LIMIT ?""",
        (customer_id, limit),
    )
    return [reservation_of(row) for row in rows]


def listed(
    db: sqlite3.Connection, state: str | None, after: int, limit: int, *, lacking: bool
) -> list[Reservation]:
    """By rising id from above `after`; `lacking`: only those that lack points."""
    rows = db.execute(
        f"""{_SELECT}
           WHERE id > ?1 AND state = coalesce(?2, state) AND (?4 = 0 OR lacking > 0)
           ORDER BY id LIMIT ?3""",
        (after, state, limit, lacking),
    )
    return [reservation_of(row) for row in rows]


def counts(db: sqlite3.Connection) -> tuple[dict[str, int], int]:
    """Reservations by state, and the points that could not be taken."""
    rows = db.execute("SELECT state, count(*) FROM points_reservations GROUP BY state").fetchall()
    lacking = db.execute("SELECT CAST(sum(lacking) AS BIGINT) FROM points_reservations").fetchone()[
        0
    ]
    return {str(row[0]): int(row[1]) for row in rows}, lacking or 0
