"""Every query on deliveries and their attempts, a sentence each. Functions of one connection."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from gateway import frozen
from gateway.background import request_id
from gateway.outcomes import Delivery, NewDelivery
from gateway.store.outbox.queries import COLUMNS, IS_OPEN, Spot, open_end, row_to_delivery

__all__ = [
    "OwedTo",
    "add",
    "claim",
    "discard",
    "open_all",
    "recover",
    "recreate",
    "save_plan",
    "values",
]


def values(columns: int, rows: int) -> str:
    """The placeholders of a VALUES list: statements are expensive, rows are not."""
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * rows)


@frozen
class OwedTo:
    """What a customer is owed from a moment on, and for which registration and which request."""

    customer_id: int
    registration_id: str | None
    request_id: str | None
    deliveries: Sequence[NewDelivery]
    now: float


def add(
    db: sqlite3.Connection,
    customer_id: int,
    registration_id: str | None,
    deliveries: Iterable[NewDelivery],
    now: float,
) -> list[Delivery]:
    """Writes deliveries, for the request of the context. If one is open already for customer and
    channel, its version rises.
    """
    opened = _opened(db, customer_id)
    asked, new = request_id.get(), list(deliveries)
    inserted = [one for one in new if one.channel not in opened]
    (written,) = open_all(db, [OwedTo(customer_id, registration_id, asked, inserted, now)])
    rest = iter(written)
    return [
        _raise_open(db, customer_id, registration_id, one, now)
        if one.channel in opened
        else next(rest)
        for one in new
    ]


def _opened(db: sqlite3.Connection, customer_id: int) -> set[str]:
    """The channels with an open delivery."""
    rows = db.execute(
        f"SELECT channel FROM deliveries WHERE customer_id = ? AND {IS_OPEN}",  # noqa: S608
        (customer_id,),
    )
    return {row[0] for row in rows}


def open_all(db: sqlite3.Connection, owed: Sequence[OwedTo]) -> list[list[Delivery]]:
    """The deliveries of each customer, of whom none is open. In one statement: its rows are
    numbered one after the other.
    """
    rows = [value for one in owed for new in one.deliveries for value in _inserted(one, new)]
    if not rows:
        return [[] for _ in owed]
    found = db.execute(_insert_sql(sum(len(one.deliveries) for one in owed)), rows)
    ids = iter(sorted(row[0] for row in found))
    return [[_as_written(next(ids), one, new) for new in one.deliveries] for one in owed]


def _inserted(owed: OwedTo, new: NewDelivery) -> tuple[Any, ...]:
    return (
        owed.registration_id,
        owed.customer_id,
        new.channel,
        new.kind,
        new.outcome,
        int(new.claimed),
        1 if new.claimed else None,
        new.urgent,
        owed.now,
        owed.now,
        new.not_before,
        owed.request_id,
    )


@lru_cache(maxsize=64)
def _insert_sql(rows: int) -> str:
    return f"""INSERT INTO deliveries (registration_id, customer_id, channel, kind, outcome,
                                       attempts, claimed_version, urgent,
                                       created_at, updated_at, next_attempt_at, request_id)
        VALUES {values(12, rows)} RETURNING id"""  # noqa: S608


def _as_written(delivery_id: int, owed: OwedTo, new: NewDelivery) -> Delivery:
    return Delivery(
        id=delivery_id,
        registration_id=owed.registration_id,
        customer_id=owed.customer_id,
        channel=new.channel,
        kind=new.kind,
        outcome=new.outcome,
        error_class=None,
        message=None,
        attempts=int(new.claimed),
        version=1,
        claimed_version=1 if new.claimed else None,
        waiting=None,
        urgent=new.urgent,
        plan=None,
        action=None,
        reference=None,
        adjustments=(),
        created_at=owed.now,
        updated_at=owed.now,
        next_attempt_at=new.not_before,
        request_id=owed.request_id,
    )


_LATER = "CAST(:later AS DOUBLE PRECISION)"


def _raise_open(
    db: sqlite3.Connection,
    customer_id: int,
    registration_id: str | None,
    new: NewDelivery,
    now: float,
) -> Delivery:
    """The open delivery of this customer and channel, one version up; claimed if nobody has it."""
    rows = db.execute(
        f"""UPDATE deliveries SET
                version = version + 1, updated_at = :now,
                kind = CASE WHEN :kind = 'registration' THEN :kind ELSE kind END,
                registration_id = coalesce(:registration, registration_id),
                request_id = coalesce(:request, request_id),
                urgent = CASE WHEN :urgent = 1 THEN 1 ELSE urgent END, kept_back = 0,
                attempts = CASE WHEN outcome IN ('failed', 'held') THEN 0 ELSE attempts END
                           + CASE WHEN :claimed = 1 AND claimed_version IS NULL
                                  THEN 1 ELSE 0 END,
                outcome = CASE WHEN claimed_version IS NULL AND
                                    (:claimed = 1 OR {_LATER} IS NOT NULL
                                     OR outcome IN ('failed', 'held'))
                               THEN :outcome ELSE outcome END,
                next_attempt_at = CASE WHEN {_LATER} IS NOT NULL THEN {_LATER}
                                       WHEN :claimed = 1 OR outcome IN ('failed', 'held') THEN NULL
                                       ELSE next_attempt_at END,
                claimed_version = CASE WHEN claimed_version IS NULL AND :claimed = 1
                                       THEN version + 1 ELSE claimed_version END
            WHERE customer_id = :customer AND channel = :channel AND {IS_OPEN}
            RETURNING {COLUMNS}""",  # noqa: S608
        {
            "now": now,
            "kind": new.kind,
            "registration": registration_id,
            "request": request_id.get(),
            "urgent": new.urgent,
            "later": new.not_before,
            "claimed": new.claimed,
            "outcome": new.outcome,
            "customer": customer_id,
            "channel": new.channel,
        },
    ).fetchall()
    return row_to_delivery(rows[0])


def claim(
    db: sqlite3.Connection, delivery_id: int, now: float, version: int | None = None
) -> Delivery | None:
    """Counts an attempt before it begins, so that one that kills the process is counted too.

    None if its version is no longer `version`, so that no older state is sent as the newest.
    """
    rows = db.execute(
        f"""UPDATE deliveries SET outcome = 'pending', attempts = attempts + 1,
                   claimed_version = version, next_attempt_at = NULL, waiting = NULL,
                   kept_back = 0, updated_at = ?1
            WHERE id = ?2 AND {IS_OPEN}
                  AND version = coalesce(?3, version)
            RETURNING {COLUMNS}""",  # noqa: S608
        (now, delivery_id, version),
    ).fetchall()
    return row_to_delivery(rows[0]) if rows else None


def save_plan(db: sqlite3.Connection, delivery_id: int, plan: dict[str, Any]) -> None:
    """Write down what a channel decided (ids and numbers only) before it acts on it."""
    db.execute(
        "UPDATE deliveries SET plan = ? WHERE id = ?", (orjson.dumps(plan).decode(), delivery_id)
    )


def recreate(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """A person wants records created again that are gone: written into the plan."""
    for delivery_id in ids:
        row = db.execute(
            """SELECT plan FROM deliveries
               WHERE id = ? AND outcome = 'failed' AND error_class = 'conflict'""",
            (delivery_id,),
        ).fetchone()
        if row is not None:
            plan = orjson.loads(row["plan"]) if row["plan"] else {}
            save_plan(db, delivery_id, {**plan, "recreate": True})


def discard(db: sqlite3.Connection, delivery_id: int, message: str, now: float) -> bool:
    """A person gives a delivery up; a delivered or skipped one stays as it is."""
    return bool(
        db.execute(
            f"""UPDATE deliveries SET outcome = 'discarded', message = ?, next_attempt_at = NULL,
                       waiting = NULL, updated_at = ?
                WHERE id = ? AND {IS_OPEN}""",  # noqa: S608
            (message, now, delivery_id),
        ).rowcount
    )


def recover(
    db: sqlite3.Connection, after: Spot, latest: float, now: float
) -> tuple[int, Spot | None]:
    """A dead owner's attempts end: what it had claimed is pending, and that is due at once.

    Nothing that is tried again can be due after `latest`: the clock was set back while nobody
    looked. A page of them, behind `after`.
    """
    end = open_end(db, after)
    if end is None:
        return 0, None
    changed = db.execute(
        f"""UPDATE deliveries INDEXED BY deliveries_open SET claimed_version = NULL,
                   next_attempt_at =
                       CASE WHEN outcome = 'pending' AND coalesce(next_attempt_at, 0) <= ?1
                            THEN next_attempt_at ELSE ?1 END
            WHERE {IS_OPEN}
              AND (customer_id, channel) > (?3, ?4) AND (customer_id, channel) <= (?5, ?6)
              AND (outcome = 'pending' AND (claimed_version IS NOT NULL OR next_attempt_at > ?1)
                   OR outcome = 'retrying' AND next_attempt_at > ?2)""",  # noqa: S608
        (now, latest, *after, *end),
    )
    return changed.rowcount, end
