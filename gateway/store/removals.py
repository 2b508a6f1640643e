"""Queries on customers who are to leave the channels, and whether they are too many at once."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import Literal

from gateway import frozen
from gateway.outcomes import Kind
from gateway.store.outbox.queries import IS_OPEN
from gateway.store.paging import EVERY

__all__ = [
    "MOST",
    "SHARE",
    "WINDOW",
    "Cause",
    "Removal",
    "are_some",
    "back",
    "begin",
    "decide",
    "find",
    "held",
    "hold",
    "judge",
    "kept",
    "notice",
    "old",
]

Cause = Literal["gone", "redact", "exists"]

MOST = 20
SHARE = 0.02
"""More than so many, and more than this share of the linked customers, are held."""
WINDOW = 3600.0
"""Seconds that count as "at once"."""

_KNOWN = f"""(EXISTS (SELECT 1 FROM links WHERE customer_id = ?1)
    OR EXISTS (SELECT 1 FROM deliveries WHERE customer_id = ?1 AND {IS_OPEN}))"""  # noqa: S608
"""Whether a removal would take anything away."""


@frozen
class Removal:
    """A row. Times are Unix seconds."""

    customer_id: int
    cause: Cause
    state: str
    noticed_at: float


def notice(
    db: sqlite3.Connection,
    customer_ids: Iterable[int],
    cause: Cause,
    now: float,
    *,
    said: Collection[int] = (),
) -> None:
    """Notes that they are not in Shopify, or are to be erased; this removes nothing.

    `said`: Shopify itself reports them, which counts again for customers who were dropped.
    """
    for customer_id in customer_ids:
        db.execute(
            f"""INSERT INTO removals (customer_id, cause, state, noticed_at, updated_at)
                SELECT ?1, ?2, 'noticed', ?3, ?3 WHERE {_KNOWN}
                ON CONFLICT (customer_id) DO UPDATE
                SET cause = ?2, state = 'noticed', noticed_at = ?3, updated_at = ?3
                WHERE (removals.cause = 'gone' AND ?2 = 'redact'
                       AND removals.state NOT IN ('begun', 'confirmed'))
                   OR (removals.state = 'dropped' AND ?4 = 1)""",  # noqa: S608
            (customer_id, cause, now, customer_id in said),
        )


def back(db: sqlite3.Connection, customer_ids: Iterable[int]) -> None:
    """They are in Shopify: nothing is to be removed."""
    db.executemany(
        "DELETE FROM removals WHERE customer_id = ? AND cause = 'gone' AND state <> 'begun'",
        [(customer_id,) for customer_id in customer_ids],
    )


def judge(db: sqlite3.Connection, cause: Cause, now: float, looked: int | None = None) -> int:
    """Holds all who were noticed if they are too many. Returns how many it held.

    `looked`: how many customers were looked at, if fewer than all.
    """
    old(db, now)
    if not _is_mass(db, cause, now, looked):
        return 0
    _call_back(db, cause, now)
    return db.execute(
        "UPDATE removals SET state = 'held', updated_at = ? WHERE cause = ? AND state = 'noticed'",
        (now, cause),
    ).rowcount


def hold(db: sqlite3.Connection, customer_id: int, now: float) -> bool:
    """Shopify orders to erase somebody whom it still has: a person decides. False if a person has
    decided already.
    """
    return bool(
        db.execute(
            """INSERT INTO removals (customer_id, cause, state, noticed_at, updated_at)
               VALUES (?1, 'exists', 'held', ?2, ?2)
               ON CONFLICT (customer_id) DO UPDATE
               SET cause = 'exists', state = 'held', updated_at = ?2
               WHERE removals.state = 'noticed'
                     OR (removals.state = 'begun' AND removals.cause <> 'exists')""",
            (customer_id, now),
        ).rowcount
    )


def _is_mass(db: sqlite3.Connection, cause: Cause, now: float, looked: int | None) -> bool:
    """While some are held, new ones are held too."""
    if db.execute(
        "SELECT 1 FROM removals WHERE state = 'held' AND cause = ? LIMIT 1", (cause,)
    ).fetchone():
        return True
    count: int = db.execute(
        """SELECT count(*) FROM removals
           WHERE state IN ('noticed', 'begun') AND cause = ? AND noticed_at > ?""",
        (cause, now - WINDOW),
    ).fetchone()[0]
    if count <= MOST:
        return False
    return count > SHARE * (_linked(db) if looked is None else min(looked, _linked(db)))


def _linked(db: sqlite3.Connection) -> int:
    """Customers with a record, those included whose removal has just taken it away."""
    found: int = db.execute(
        """SELECT count(*) FROM (SELECT customer_id FROM links
                                 UNION SELECT customer_id FROM removals WHERE state = 'begun')
           AS linked"""
    ).fetchone()[0]
    return found


def _call_back(db: sqlite3.Connection, cause: Cause, now: float) -> None:
    """Removals that have begun and that no attempt has taken up are held too."""
    ids = [
        row[0]
        for row in db.execute(
            f"""SELECT customer_id FROM deliveries WHERE kind = ?1 AND {IS_OPEN}
                  AND customer_id IN (SELECT customer_id FROM removals
                                      WHERE state = 'begun' AND cause = ?2)
                GROUP BY customer_id HAVING count(claimed_version) = 0""",  # noqa: S608
            (Kind.REMOVAL, cause),
        )
    ]
    for customer_id in ids:
        db.execute(
            f"""UPDATE deliveries SET outcome = 'discarded', next_attempt_at = NULL, waiting = NULL,
                       message = 'held with many others: see `removals list`', updated_at = ?1
                WHERE customer_id = ?2 AND kind = ?3 AND {IS_OPEN}""",  # noqa: S608
            (now, customer_id, Kind.REMOVAL),
        )
        db.execute("UPDATE removals SET state = 'noticed' WHERE customer_id = ?", (customer_id,))


def kept(db: sqlite3.Connection, customer_ids: Iterable[int]) -> set[int]:
    """Those of whom nothing may be taken away now."""
    found = set()
    for customer_id in customer_ids:
        row = db.execute(
            "SELECT state FROM removals WHERE customer_id = ?", (customer_id,)
        ).fetchone()
        if row is not None and row[0] in {"held", "dropped"}:
            found.add(customer_id)
    return found


def begin(db: sqlite3.Connection, customer_id: int, cause: Cause, now: float) -> bool:
    """The removal begins, and counts for an hour. False if it is held or dropped."""
    if kept(db, [customer_id]):
        return False
    confirmed = db.execute(
        """UPDATE removals SET state = 'begun', updated_at = ?
           WHERE customer_id = ? AND state = 'confirmed' AND cause = 'exists'""",
        (now, customer_id),
    ).rowcount
    confirmed += db.execute(
        "DELETE FROM removals WHERE customer_id = ? AND state = 'confirmed'", (customer_id,)
    ).rowcount
    if not confirmed:
        db.execute(
            f"""INSERT INTO removals (customer_id, cause, state, noticed_at, updated_at)
                SELECT ?1, ?2, 'begun', ?3, ?3 WHERE {_KNOWN}
                ON CONFLICT (customer_id) DO UPDATE SET state = 'begun', updated_at = ?3
                WHERE removals.state = 'noticed'""",
            (customer_id, cause, now),
        )
    return True


def are_some(db: sqlite3.Connection) -> bool:
    """Whether anybody is noticed, held or dropped: if seen again, they have to be taken out."""
    found = db.execute("SELECT 1 FROM removals WHERE state <> 'begun' LIMIT 1").fetchone()
    return found is not None


def held(db: sqlite3.Connection) -> int:
    """How many wait for a person."""
    found: int = db.execute("SELECT count(*) FROM removals WHERE state = 'held'").fetchone()[0]
    return found


def find(db: sqlite3.Connection, state: str, after: int = 0, limit: int = EVERY) -> list[Removal]:
    """By customer id, from above `after`."""
    rows = db.execute(
        """SELECT customer_id, cause, state, noticed_at FROM removals
           WHERE state = ? AND customer_id > ? ORDER BY customer_id LIMIT ?""",
        (state, after, limit),
    )
    return [Removal(*row) for row in rows]


def decide(db: sqlite3.Connection, removal: Removal, state: str, now: float) -> None:
    """A person confirms or drops it."""
    db.execute(
        "UPDATE removals SET state = ?, updated_at = ? WHERE customer_id = ? AND state = 'held'",
        (state, now, removal.customer_id),
    )


def old(db: sqlite3.Connection, now: float) -> None:
    """What began more than an hour ago no longer counts, nor do customers without a record. What a
    person decided about somebody whom Shopify still has is kept until they are erased.
    """
    db.execute(
        "DELETE FROM removals WHERE state = 'begun' AND cause <> 'exists' AND noticed_at < ?",
        (now - WINDOW,),
    )
    db.execute(
        f"""DELETE FROM removals WHERE state = 'noticed'
              AND NOT EXISTS (SELECT 1 FROM links WHERE customer_id = removals.customer_id)
              AND NOT EXISTS (SELECT 1 FROM deliveries WHERE customer_id = removals.customer_id
                                AND {IS_OPEN})"""  # noqa: S608
    )
