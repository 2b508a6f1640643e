"""Every query on deliveries and their attempts, a sentence each. Functions of one connection."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Protocol

import orjson

from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Delivery, DeliveryFilter, Kind, NewDelivery, Outcome, Waiting

__all__ = [
    "Settlement",
    "add",
    "attempts_of",
    "claim",
    "counts",
    "discard",
    "due",
    "find",
    "get",
    "held_ids",
    "next_due",
    "of_registration",
    "postpone",
    "recover",
    "release",
    "save_plan",
    "settle",
    "wake",
]

_OPEN = "('pending', 'retrying', 'failed', 'held')"


def row_to_delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        id=row["id"],
        registration_id=row["registration_id"],
        customer_id=row["customer_id"],
        channel=row["channel"],
        kind=Kind(row["kind"]),
        outcome=Outcome(row["outcome"]),
        error_class=ErrorClass(row["error_class"]) if row["error_class"] else None,
        message=row["message"],
        attempts=row["attempts"],
        version=row["version"],
        claimed_version=row["claimed_version"],
        waiting=Waiting(row["waiting"]) if row["waiting"] else None,
        email_verified=bool(row["email_verified"]),
        plan=orjson.loads(row["plan"]) if row["plan"] else None,
        action=row["action"],
        reference=row["reference"],
        adjustments=tuple(orjson.loads(row["adjustments"])),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        next_attempt_at=row["next_attempt_at"],
    )


@dataclass(slots=True)
class Settlement:
    """How an attempt ended; `counted` is false where the failure says nothing about it."""

    delivery_id: int
    outcome: Outcome
    _: KW_ONLY
    started_at: float
    duration: float = 0.0
    error_class: ErrorClass | None = None
    message: str | None = None
    counted: bool = True
    next_attempt_at: float | None = None
    waiting: Waiting | None = None
    action: str | None = None
    reference: str | None = None
    member_number: str | None = None
    adjustments: Sequence[dict[str, str]] = ()
    error: UpstreamError | None = None


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


def add(
    db: sqlite3.Connection,
    customer_id: int,
    registration_id: str | None,
    deliveries: Iterable[NewDelivery],
    now: float,
) -> list[Delivery]:
    """Write deliveries; one that is open already for customer and channel rises in version."""
    return [_add(db, customer_id, registration_id, new, now) for new in deliveries]


def _add(
    db: sqlite3.Connection,
    customer_id: int,
    registration_id: str | None,
    new: NewDelivery,
    now: float,
) -> Delivery:
    if new.outcome.is_open:
        raised = _raise_open(db, customer_id, registration_id, new, now)
        if raised is not None:
            return raised
    row = db.execute(
        """INSERT INTO deliveries (registration_id, customer_id, channel, kind, outcome, attempts,
                                   claimed_version, email_verified, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *""",
        (
            registration_id,
            customer_id,
            new.channel,
            new.kind,
            new.outcome,
            int(new.claimed),
            1 if new.claimed else None,
            new.email_verified,
            now,
            now,
        ),
    ).fetchall()[0]
    return row_to_delivery(row)


def _raise_open(
    db: sqlite3.Connection,
    customer_id: int,
    registration_id: str | None,
    new: NewDelivery,
    now: float,
) -> Delivery | None:
    """The open delivery of this customer and channel, one version up; claimed if nobody has it."""
    rows = db.execute(
        f"""UPDATE deliveries SET
                version = version + 1, updated_at = :now,
                registration_id = coalesce(:registration, registration_id),
                email_verified = max(email_verified, :verified),
                attempts = CASE WHEN outcome IN ('failed', 'held') THEN 0 ELSE attempts END
                           + (:claimed AND claimed_version IS NULL),
                outcome = CASE WHEN claimed_version IS NULL AND
                                    (:claimed OR outcome IN ('failed', 'held'))
                               THEN :outcome ELSE outcome END,
                next_attempt_at = CASE WHEN outcome IN ('failed', 'held') THEN NULL
                                       ELSE next_attempt_at END,
                claimed_version = CASE WHEN claimed_version IS NULL AND :claimed
                                       THEN version + 1 ELSE claimed_version END
            WHERE customer_id = :customer AND channel = :channel AND outcome IN {_OPEN}
            RETURNING *""",  # noqa: S608
        {
            "now": now,
            "registration": registration_id,
            "verified": new.email_verified,
            "claimed": new.claimed,
            "outcome": new.outcome,
            "customer": customer_id,
            "channel": new.channel,
        },
    ).fetchall()
    return row_to_delivery(rows[0]) if rows else None


def claim(db: sqlite3.Connection, delivery_id: int, now: float) -> Delivery | None:
    """Count an attempt before it begins, so that one that kills the process is counted too."""
    rows = db.execute(
        f"""UPDATE deliveries SET outcome = 'pending', attempts = attempts + 1,
                   claimed_version = version, next_attempt_at = NULL, waiting = NULL,
                   updated_at = ?
            WHERE id = ? AND outcome IN {_OPEN} RETURNING *""",  # noqa: S608
        (now, delivery_id),
    ).fetchall()
    return row_to_delivery(rows[0]) if rows else None


def settle(db: sqlite3.Connection, end: Settlement, now: float) -> Delivery | None:
    """Write how an attempt ended. `delivered` only at the version that the attempt began with."""
    rows = db.execute(
        """UPDATE deliveries SET
               outcome = CASE WHEN ?1 = 'delivered' AND version <> claimed_version
                              THEN 'pending' ELSE ?1 END,
               error_class = ?2, message = ?3, next_attempt_at = ?4, waiting = ?5,
               attempts = attempts - ?6,
               action = coalesce(?7, action), reference = coalesce(?8, reference),
               adjustments = CASE WHEN ?1 = 'delivered' THEN ?9 ELSE adjustments END,
               claimed_version = NULL, updated_at = ?10
           WHERE id = ?11 AND (outcome <> 'discarded' OR ?1 = 'delivered') RETURNING *""",
        (
            end.outcome,
            end.error_class,
            end.message,
            end.next_attempt_at,
            end.waiting,
            0 if end.counted else 1,
            end.action,
            end.reference,
            orjson.dumps(list(end.adjustments)).decode(),
            now,
            end.delivery_id,
        ),
    ).fetchall()
    _record_attempt(db, end)
    if not rows:
        return None
    delivery = row_to_delivery(rows[0])
    if end.outcome is Outcome.DELIVERED and end.reference:
        _link(db, delivery, end, now)
    return delivery


def _record_attempt(db: sqlite3.Connection, end: Settlement) -> None:
    db.execute(
        """INSERT INTO attempts (delivery_id, started_at, duration, outcome, error_class, message,
                                 counted)
           SELECT id, ?, ?, ?, ?, ?, ? FROM deliveries WHERE id = ?""",
        (
            end.started_at,
            end.duration,
            end.outcome,
            end.error_class,
            end.message,
            end.counted,
            end.delivery_id,
        ),
    )


def _link(db: sqlite3.Connection, delivery: Delivery, end: Settlement, now: float) -> None:
    db.execute(
        """INSERT INTO links (channel, customer_id, reference, member_number, created_at,
                              updated_at)
           VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (channel, customer_id) DO UPDATE SET
               reference = excluded.reference,
               member_number = coalesce(excluded.member_number, member_number),
               updated_at = excluded.updated_at""",
        (delivery.channel, delivery.customer_id, end.reference, end.member_number, now, now),
    )


def save_plan(db: sqlite3.Connection, delivery_id: int, plan: dict[str, Any]) -> None:
    """Write down what a channel decided (ids and numbers only) before it acts on it."""
    db.execute(
        "UPDATE deliveries SET plan = ? WHERE id = ?", (orjson.dumps(plan).decode(), delivery_id)
    )


def get(db: sqlite3.Connection, delivery_id: int) -> Delivery | None:
    row = db.execute("SELECT * FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    return row_to_delivery(row) if row else None


def of_registration(db: sqlite3.Connection, registration_id: str) -> list[Delivery]:
    """The deliveries that a registration's answer is made of."""
    rows = db.execute(
        "SELECT * FROM deliveries WHERE registration_id = ? ORDER BY id", (registration_id,)
    )
    return [row_to_delivery(row) for row in rows]


def attempts_of(db: sqlite3.Connection, delivery_id: int) -> list[dict[str, Any]]:
    rows = db.execute(
        """SELECT started_at, duration, outcome, error_class, message, counted
           FROM attempts WHERE delivery_id = ? ORDER BY id""",
        (delivery_id,),
    )
    return [dict(row) for row in rows]


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


def next_due(db: sqlite3.Connection, channel: str) -> float | None:
    """The earliest next_attempt_at of a channel's retrying deliveries."""
    row = db.execute(
        """SELECT min(next_attempt_at) FROM deliveries
           WHERE channel = ? AND outcome = 'retrying'""",
        (channel,),
    ).fetchone()
    return row[0] if row else None


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


def wake(db: sqlite3.Connection, waiting: Waiting, channel: str | None, now: float) -> int:
    """What a delivery waited for is over: it is due now."""
    return db.execute(
        """UPDATE deliveries SET next_attempt_at = ?1, waiting = NULL
           WHERE outcome = 'retrying' AND waiting = ?2 AND (?3 IS NULL OR channel = ?3)""",
        (now, waiting, channel),
    ).rowcount


def held_ids(db: sqlite3.Connection, channel: str, after: int, limit: int) -> list[tuple[int, int]]:
    """(delivery id, customer id) of held deliveries, by id, for the flag to decide again."""
    rows = db.execute(
        """SELECT id, customer_id FROM deliveries
           WHERE channel = ? AND outcome = 'held' AND id > ? ORDER BY id LIMIT ?""",
        (channel, after, limit),
    )
    return [(row[0], row[1]) for row in rows]


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


def discard(db: sqlite3.Connection, delivery_id: int, message: str, now: float) -> bool:
    """A person gives a delivery up; one that has arrived or was skipped stays as it is."""
    return bool(
        db.execute(
            f"""UPDATE deliveries SET outcome = 'discarded', message = ?, next_attempt_at = NULL,
                       waiting = NULL, updated_at = ?
                WHERE id = ? AND outcome IN {_OPEN}""",  # noqa: S608
            (message, now, delivery_id),
        ).rowcount
    )


def recover(db: sqlite3.Connection, now: float) -> int:
    """A dead owner's attempts end: what it had claimed is pending and due at once."""
    return db.execute(
        """UPDATE deliveries SET claimed_version = NULL, next_attempt_at = ?
           WHERE outcome = 'pending'""",
        (now,),
    ).rowcount


def counts(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(channel, outcome, number) of the open deliveries."""
    rows = db.execute(
        f"""SELECT channel, outcome, count(*) FROM deliveries
            WHERE outcome IN {_OPEN} GROUP BY channel, outcome"""  # noqa: S608
    )
    return [(row[0], row[1], row[2]) for row in rows]


def find(
    db: sqlite3.Connection,
    chosen: DeliveryFilter,
    *,
    limit: int,
    after: int | None = None,
    oldest_first: bool = False,
    before_attempt: float | None = None,
) -> list[Delivery]:
    """Deliveries that the filter names; `after` is the last id of the page before.

    `before_attempt`: only those that no attempt since that time has touched.
    """
    where, values = _conditions(chosen)
    if after is not None:
        where.append("id > ?" if oldest_first else "id < ?")
        values.append(after)
    if before_attempt is not None:
        where.append(
            "NOT EXISTS (SELECT 1 FROM attempts WHERE delivery_id = deliveries.id"
            " AND started_at >= ?)"
        )
        values.append(before_attempt)
    order = "ASC" if oldest_first else "DESC"
    sql = f"SELECT * FROM deliveries WHERE {' AND '.join(where)} ORDER BY id {order} LIMIT ?"  # noqa: S608
    return [row_to_delivery(row) for row in db.execute(sql, (*values, limit))]


def count(db: sqlite3.Connection, chosen: DeliveryFilter) -> int:
    where, values = _conditions(chosen)
    sql = f"SELECT count(*) FROM deliveries WHERE {' AND '.join(where)}"  # noqa: S608
    number: int = db.execute(sql, values).fetchone()[0]
    return number


def _conditions(chosen: DeliveryFilter) -> tuple[list[str], list[Any]]:
    where: list[str] = ["1"]
    values: list[Any] = []
    for column, wanted in (
        ("channel", chosen.channels),
        ("outcome", chosen.outcomes),
        ("error_class", chosen.error_classes),
        ("id", chosen.ids),
    ):
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for clause, value in (
        ("created_at >= ?", chosen.since),
        ("created_at <= ?", chosen.until),
        ("customer_id = ?", chosen.customer_id),
    ):
        if value is not None:
            where.append(clause)
            values.append(value)
    return where, values
