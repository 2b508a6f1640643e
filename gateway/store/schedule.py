"""What is due, what waits, and what it waits for: the worker's side of the outbox."""

import sqlite3
from collections.abc import Iterable
from typing import Protocol

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Waiting
from gateway.store.listing import OPEN_SQL, row_to_delivery

__all__ = [
    "Postponement",
    "bring_forward",
    "due",
    "due_now",
    "held",
    "postpone",
    "release",
    "shift",
    "take_back",
    "wake",
]


class Postponement(Protocol):
    """Why and until when deliveries wait that were not even tried."""

    @property
    def error_class(self) -> ErrorClass | None: ...

    @property
    def message(self) -> str: ...

    @property
    def next_attempt_at(self) -> float | None: ...

    @property
    def waiting(self) -> Waiting | None: ...


def due(
    db: sqlite3.Connection,
    channel: str,
    now: float,
    limit: int,
    busy: Iterable[int],
    *,
    retries: bool = True,
) -> list[Delivery]:
    """What the worker takes next: pending, or retrying whose time has come; oldest time first."""
    skip = set(busy)
    rows = db.execute(
        """SELECT * FROM deliveries
           WHERE channel = ?1 AND (outcome = 'pending' OR (?4 AND outcome = 'retrying'))
             AND coalesce(next_attempt_at, 0) <= ?2
           ORDER BY coalesce(next_attempt_at, created_at), id LIMIT ?3""",
        (channel, now, limit + len(skip), retries),
    )
    found = (row_to_delivery(row) for row in rows if row["id"] not in skip)
    return [delivery for delivery, _ in zip(found, range(limit), strict=False)]


def postpone(db: sqlite3.Connection, ids: Iterable[int], why: Postponement, now: float) -> None:
    """Deliveries that were not tried wait; their attempts stay as they are."""
    db.executemany(
        """UPDATE deliveries SET outcome = 'retrying', error_class = ?, message = ?,
                  next_attempt_at = ?, waiting = ?, updated_at = ?
           WHERE id = ? AND outcome IN ('pending', 'retrying')""",
        [
            (why.error_class, why.message, why.next_attempt_at, why.waiting, now, delivery_id)
            for delivery_id in ids
        ],
    )


def shift(db: sqlite3.Connection, seconds: float) -> int:
    """The wall clock jumped: what waits keeps its real delay."""
    db.execute(
        "UPDATE events SET next_attempt_at = next_attempt_at + ? WHERE state = 'waiting'",
        (seconds,),
    )
    return db.execute(
        """UPDATE deliveries SET next_attempt_at = next_attempt_at + ?
           WHERE outcome IN ('pending', 'retrying') AND next_attempt_at IS NOT NULL""",
        (seconds,),
    ).rowcount


def bring_forward(db: sqlite3.Connection, latest: float, now: float) -> int:
    """Nothing can be due after `latest`: the clock was set back while nobody looked."""
    return db.execute(
        """UPDATE deliveries SET next_attempt_at = ?
           WHERE outcome = 'retrying' AND next_attempt_at > ?""",
        (now, latest),
    ).rowcount


def wake(db: sqlite3.Connection, waiting: Waiting, channel: str | None, now: float) -> int:
    """What a delivery waited for is over: it is due now."""
    return db.execute(
        """UPDATE deliveries SET next_attempt_at = ?1, waiting = NULL
           WHERE outcome = 'retrying' AND waiting = ?2 AND (?3 IS NULL OR channel = ?3)""",
        (now, waiting, channel),
    ).rowcount


def proven(db: sqlite3.Connection, customer_id: int, channel: str, now: float) -> None:
    """The e-mail is known to be the customer's: a conflict that may be over is due now.

    The version rises, since an attempt under way began without knowing.
    """
    db.execute(
        f"""UPDATE deliveries SET
                version = version + 1, updated_at = ?1,
                attempts = iif(error_class = 'conflict', 0, attempts),
                next_attempt_at = iif(outcome = 'failed' AND error_class = 'conflict', ?1,
                                      next_attempt_at),
                outcome = iif(outcome = 'failed' AND error_class = 'conflict', 'pending', outcome)
            WHERE customer_id = ?2 AND channel = ?3 AND outcome IN {OPEN_SQL}""",  # noqa: S608
        (now, customer_id, channel),
    )


def held(
    db: sqlite3.Connection, channel: str, after: int, limit: int
) -> list[tuple[Delivery, bool]]:
    """Held deliveries, by id, each with whether its customer is linked: the flag decides again."""
    rows = db.execute(
        """SELECT *, EXISTS (SELECT 1 FROM links WHERE channel = d.channel
                                    AND customer_id = d.customer_id) AS linked
           FROM deliveries AS d WHERE channel = ? AND outcome = 'held' AND id > ?
           ORDER BY id LIMIT ?""",
        (channel, after, limit),
    )
    return [(row_to_delivery(row), bool(row["linked"])) for row in rows]


def due_now(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """What waited for a change at Shopify to end need not wait any more."""
    db.executemany(
        "UPDATE deliveries SET next_attempt_at = NULL WHERE id = ? AND outcome = 'pending'",
        [(delivery_id,) for delivery_id in ids],
    )


def take_back(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Nothing changed after all: deliveries that nobody has touched since they were written go."""
    db.executemany(
        """DELETE FROM deliveries WHERE id = ? AND version = 1 AND attempts = 0
                  AND claimed_version IS NULL AND outcome IN ('pending', 'held')""",
        [(delivery_id,) for delivery_id in ids],
    )


def release(db: sqlite3.Connection, ids: Iterable[int], now: float) -> int:
    """Held deliveries whose flag now lets them through become pending."""
    return sum(
        db.execute(
            """UPDATE deliveries SET outcome = 'pending', next_attempt_at = ?, updated_at = ?
               WHERE id = ? AND outcome = 'held'""",
            (now, now, delivery_id),
        ).rowcount
        for delivery_id in ids
    )
