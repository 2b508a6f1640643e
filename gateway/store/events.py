"""Every query on events: webhooks that were received, and how their work stands."""

import sqlite3
from collections.abc import Iterable
from typing import Literal

import orjson

from gateway import frozen
from gateway.background import request_id
from gateway.store.paging import PAGE

__all__ = [
    "Event",
    "NewEvent",
    "Source",
    "add",
    "bring_forward",
    "due",
    "failed",
    "is_being_merged",
    "later",
    "no_merge",
    "resume",
    "settled",
    "survivor",
]

Source = Literal["shopify", "smaregi"]

_LONGEST_CHAIN = 20


@frozen
class NewEvent:
    """A genuine webhook. `id` is unique among all sources; `members` are Smaregi's member ids.

    `customer_id` is the customer, of a merge the survivor; `merged_id` the one that went.
    """

    id: str
    source: Source
    topic: str
    customer_id: int | None = None
    merged_id: int | None = None
    members: tuple[int, ...] = ()


@frozen
class Event:
    """A row whose work is not done yet. Times are Unix seconds."""

    id: str
    topic: str
    customer_id: int | None
    merged_id: int | None
    members: tuple[int, ...]
    attempts: int
    received_at: float
    request_id: str | None = None


def add(db: sqlite3.Connection, new: NewEvent, now: float) -> bool:
    """Stores an event; false for one that was stored before."""
    return bool(
        db.execute(
            """INSERT INTO events (id, source, topic, customer_id, merged_id, members, state,
                                   received_at, updated_at, next_attempt_at, request_id)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?7, ?7, ?8)
               ON CONFLICT DO NOTHING""",
            (
                new.id,
                new.source,
                new.topic,
                new.customer_id,
                new.merged_id,
                orjson.dumps(new.members).decode(),
                now,
                request_id.get(),
            ),
        ).rowcount
    )


def due(db: sqlite3.Connection, source: Source, now: float, limit: int) -> list[Event]:
    """What is to be worked now: by when it was due, so that no more is read than is taken; of
    these in the order of arrival.
    """
    rows = db.execute(
        """SELECT id, topic, customer_id, merged_id, members, attempts, received_at, request_id
           FROM (
               SELECT id, topic, customer_id, merged_id, members, attempts, received_at, request_id,
                      rowid AS arrival
               FROM events WHERE source = ? AND state = 'waiting' AND next_attempt_at <= ?
               ORDER BY next_attempt_at, rowid LIMIT ?) AS page
           ORDER BY received_at, arrival""",
        (source, now, limit),
    )
    return [
        Event(
            row["id"],
            row["topic"],
            row["customer_id"],
            row["merged_id"],
            tuple(orjson.loads(row["members"])),
            row["attempts"],
            row["received_at"],
            row["request_id"],
        )
        for row in rows
    ]


def settled(db: sqlite3.Connection, ids: Iterable[str], now: float) -> None:
    """Their work is done. They keep what is needed to know a repetition, and, for a merge, who was
    merged.
    """
    db.executemany(
        """UPDATE events SET state = 'done', message = NULL, members = '[]', updated_at = ?,
                  customer_id = CASE WHEN merged_id IS NOT NULL THEN customer_id END
           WHERE id = ?""",
        [(now, event_id) for event_id in ids],
    )


def no_merge(db: sqlite3.Connection, event_id: str) -> None:
    """The merge of this event did not happen."""
    db.execute("UPDATE events SET merged_id = NULL WHERE id = ?", (event_id,))


def later(
    db: sqlite3.Connection,
    ids: Iterable[str],
    at: float,
    now: float,
    message: str | None,
    *,
    counted: bool,
) -> None:
    """They wait until `at`; `counted` if a try was used up."""
    db.executemany(
        """UPDATE events SET next_attempt_at = ?, attempts = attempts + ?, message = ?,
                  updated_at = ? WHERE id = ? AND state = 'waiting'""",
        [(at, counted, message, now, event_id) for event_id in ids],
    )


def failed(db: sqlite3.Connection, ids: Iterable[str], message: str, now: float) -> None:
    """The tries are used up."""
    db.executemany(
        """UPDATE events SET state = 'failed', attempts = attempts + 1, message = ?,
                  updated_at = ? WHERE id = ?""",
        [(message, now, event_id) for event_id in ids],
    )


def resume(db: sqlite3.Connection, now: float) -> int:
    """A new owner takes up what failed before. A page of it; how many it were."""
    return db.execute(
        """UPDATE events SET state = 'waiting', attempts = 0, next_attempt_at = ?
           WHERE id IN (SELECT id FROM events INDEXED BY events_failed
                        WHERE state = 'failed' LIMIT ?)""",
        (now, PAGE),
    ).rowcount


def bring_forward(db: sqlite3.Connection, now: float) -> int:
    """A new owner looks at once at what waits: the clock may have been set back while nobody
    looked. A page of it; how many it were.
    """
    return db.execute(
        """UPDATE events SET next_attempt_at = ?1
           WHERE id IN (SELECT id FROM events WHERE source IN ('shopify', 'smaregi')
                          AND state = 'waiting' AND next_attempt_at > ?1 LIMIT ?2)""",
        (now, PAGE),
    ).rowcount


def survivor(db: sqlite3.Connection, customer_id: int) -> int:
    """The customer who survived this one, after the merges that were reported."""
    for _ in range(_LONGEST_CHAIN):
        row = db.execute(
            """SELECT customer_id FROM events WHERE merged_id = ? AND customer_id <> merged_id
               ORDER BY rowid DESC LIMIT 1""",
            (customer_id,),
        ).fetchone()
        if row is None:
            break
        customer_id = row[0]
    return customer_id


def is_being_merged(db: sqlite3.Connection, customer_id: int) -> bool:
    """Whether a merge that removes this customer is not done yet."""
    row = db.execute(
        "SELECT 1 FROM events WHERE merged_id = ? AND state <> 'done' LIMIT 1", (customer_id,)
    ).fetchone()
    return row is not None
