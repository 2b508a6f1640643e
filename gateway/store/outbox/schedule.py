"""What is due, what waits, and what it waits for: the worker's side of the outbox."""

import sqlite3
from collections.abc import Iterable
from typing import Protocol

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Outcome, Waiting
from gateway.store.outbox.queries import AUTOMATIC_SQL, COLUMNS, IS_OPEN, row_to_delivery
from gateway.store.paging import PAGE

__all__ = [
    "START",
    "Place",
    "Postponement",
    "due",
    "due_now",
    "due_since",
    "held",
    "keep_back",
    "kept_back",
    "let_go",
    "place_of",
    "postpone",
    "proven",
    "release",
    "shift",
    "shift_events",
    "take_back",
    "wake",
]


class Postponement(Protocol):
    """Why, and until when, deliveries wait that were not even tried."""

    @property
    def error_class(self) -> ErrorClass | None: ...

    @property
    def message(self) -> str: ...

    @property
    def reason(self) -> str | None: ...

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
    """What the worker takes next: pending, or retrying whose time has come; oldest time first.

    What is kept back costs nothing, however much it is.
    """
    skip = set(busy)
    asked = {"channel": channel, "now": now, "limit": limit + len(skip)}
    whens = _DUE if retries else _DUE[:2]
    rows = [row for when in whens for row in db.execute(_due_sql(when), asked)]
    found = sorted((row_to_delivery(row) for row in rows if row["id"] not in skip), key=_since)
    return found[:limit]


_DUE = (
    "outcome = 'pending' AND next_attempt_at IS NULL ORDER BY id",
    "outcome = 'pending' AND next_attempt_at <= :now ORDER BY next_attempt_at, id",
    "outcome = 'retrying' AND next_attempt_at <= :now ORDER BY next_attempt_at, id",
)
"""Each in the order of the index, so that only rows are read that are taken."""


def _due_sql(when: str) -> str:
    return f"""SELECT {COLUMNS} FROM deliveries
               WHERE channel = :channel AND kept_back = 0 AND {IS_OPEN} AND {when}
               LIMIT :limit"""  # noqa: S608


def due_since(db: sqlite3.Connection, channel: str, now: float) -> float | None:
    """Since when the delivery has been due that is due longest; None where none is due."""
    asked = {"channel": channel, "now": now, "limit": 1}
    rows = [row for when in _DUE for row in db.execute(_due_sql(when), asked)]
    return min((_since(row_to_delivery(row))[0] for row in rows), default=None)


def _since(delivery: Delivery) -> tuple[float, int]:
    at = delivery.next_attempt_at
    return (delivery.created_at if at is None else at), delivery.id


def keep_back(db: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
    """Their flags do not let them go, as they are now."""
    db.executemany(
        f"""UPDATE deliveries SET kept_back = 1
            WHERE id = ? AND version = ? AND outcome IN {AUTOMATIC_SQL}""",  # noqa: S608
        [(delivery.id, delivery.version) for delivery in deliveries],
    )


def let_go(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Their flags may let them go now: they are looked at again."""
    db.executemany("UPDATE deliveries SET kept_back = 0 WHERE id = ?", [(i,) for i in ids])


def postpone(db: sqlite3.Connection, ids: Iterable[int], why: Postponement, now: float) -> None:
    """Deliveries that were not tried wait; their number of attempts stays."""
    db.executemany(
        f"""UPDATE deliveries SET outcome = 'retrying', error_class = ?, message = ?,
                   reason = ?, next_attempt_at = ?, waiting = ?, updated_at = ?
            WHERE id = ? AND outcome IN {AUTOMATIC_SQL}""",  # noqa: S608
        [
            (why.error_class, why.message, why.reason, why.next_attempt_at, why.waiting, now, id_)
            for id_ in ids
        ],
    )


def shift(db: sqlite3.Connection, seconds: float, below: int) -> int | None:
    """The wall clock was set: what waits keeps its real delay. Changes a page, of ids below
    `below`. Returns the lowest id that was looked at, None after the last.
    """
    rows = db.execute(
        f"""SELECT id FROM deliveries WHERE id < ? ORDER BY id DESC LIMIT {PAGE}""",  # noqa: S608
        (below,),
    ).fetchall()
    if not rows:
        return None
    lowest: int = rows[-1][0]
    db.execute(
        f"""UPDATE deliveries SET next_attempt_at = next_attempt_at + ?1
            WHERE id BETWEEN ?2 AND ?3 AND {IS_OPEN}
                  AND outcome IN {AUTOMATIC_SQL} AND next_attempt_at IS NOT NULL""",  # noqa: S608
        (seconds, lowest, below - 1),
    )
    return lowest


def shift_events(db: sqlite3.Connection, seconds: float, below: int, before: float) -> int | None:
    """As `shift`, of webhooks that wait, by rowid; none that was put off since `before`."""
    rows = db.execute(
        "SELECT event FROM waiting_events WHERE event < ? ORDER BY event DESC LIMIT ?",
        (below, PAGE),
    ).fetchall()
    db.executemany(
        """UPDATE events SET next_attempt_at = next_attempt_at + ?
           WHERE rowid = ? AND state = 'waiting' AND updated_at <= ?""",
        [(seconds, row[0], before) for row in rows],
    )
    return rows[-1][0] if rows else None


def wake(db: sqlite3.Connection, waiting: Waiting, channel: str | None, now: float) -> int:
    """What deliveries waited for is over: they are due now. Changes a page; returns how many."""
    return db.execute(
        f"""UPDATE deliveries SET next_attempt_at = ?1, waiting = NULL
            WHERE id IN (SELECT id FROM deliveries
                         WHERE waiting = ?2 AND channel = coalesce(?3, channel)
                               AND outcome = 'retrying' LIMIT {PAGE})""",  # noqa: S608
        (now, waiting, channel),
    ).rowcount


def proven(db: sqlite3.Connection, customer_id: int, channel: str, now: float) -> None:
    """The e-mail is known to be the customer's: a conflict that may be over is due now.

    The version rises, since a running attempt began without knowing.
    """
    db.execute(
        f"""UPDATE deliveries SET
                version = version + 1, updated_at = ?1, kept_back = 0,
                attempts = CASE WHEN error_class = 'conflict' THEN 0 ELSE attempts END,
                next_attempt_at = CASE WHEN outcome = 'failed' AND error_class = 'conflict'
                                       THEN ?1 ELSE next_attempt_at END,
                outcome = CASE WHEN outcome = 'failed' AND error_class = 'conflict'
                               THEN 'pending' ELSE outcome END
            WHERE customer_id = ?2 AND channel = ?3 AND {IS_OPEN}""",  # noqa: S608
        (now, customer_id, channel),
    )


Place = tuple[float | None, int]
"""Of a delivery among others: when it is due, and its id."""
START: Place = (None, 0)


def place_of(delivery: Delivery) -> Place:
    return delivery.next_attempt_at, delivery.id


def held(
    db: sqlite3.Connection, channel: str, after: Place, limit: int
) -> list[tuple[Delivery, bool]]:
    """Held deliveries, each with whether its customer is linked: the flag decides again."""
    rows = _page(db, channel, Outcome.HELD, 0, after, limit)
    return [(row_to_delivery(row), bool(row["linked"])) for row in rows]


def kept_back(
    db: sqlite3.Connection, channel: str, outcome: Outcome, after: Place, limit: int
) -> list[Delivery]:
    """What its flag keeps back of `pending` or `retrying`: the flag decides again."""
    return [row_to_delivery(row) for row in _page(db, channel, outcome, 1, after, limit)]


def _page(
    db: sqlite3.Connection, channel: str, outcome: Outcome, kept: int, after: Place, limit: int
) -> list[sqlite3.Row]:
    """In the order of the index, those without a time first: a page costs what it holds."""
    (at, last), rows = after, list[sqlite3.Row]()
    if at is None:
        where = "next_attempt_at IS NULL AND id > ? ORDER BY id"
        rows = db.execute(_page_sql(where), (channel, kept, outcome, last, limit)).fetchall()
        at, last = -1e300, 0
    if len(rows) < limit:
        where = "(next_attempt_at, id) > (?, ?) ORDER BY next_attempt_at, id"
        left = limit - len(rows)
        rows += db.execute(_page_sql(where), (channel, kept, outcome, at, last, left)).fetchall()
    return rows


def _page_sql(where: str) -> str:
    return f"""SELECT {COLUMNS}, EXISTS (SELECT 1 FROM links WHERE channel = d.channel
                                         AND customer_id = d.customer_id) AS linked
               FROM deliveries AS d
               WHERE channel = ? AND kept_back = ? AND {IS_OPEN} AND outcome = ?
                     AND {where} LIMIT ?"""  # noqa: S608


def due_now(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Deliveries that waited for the end of a change at Shopify are due now."""
    db.executemany(
        "UPDATE deliveries SET next_attempt_at = NULL WHERE id = ? AND outcome = 'pending'",
        [(delivery_id,) for delivery_id in ids],
    )


def take_back(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Nothing changed after all: deletes deliveries that are untouched since they were written."""
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
