"""Every query on deliveries and their attempts, a sentence each. Functions of one connection."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import orjson

from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Delivery, Kind, Link, Match, NewDelivery, Outcome, Waiting
from gateway.store import examination, links
from gateway.store.listing import row_to_delivery

__all__ = [
    "Settlement",
    "add",
    "claim",
    "discard",
    "recover",
    "save_plan",
    "settle",
]

_OPEN = "('pending', 'retrying', 'failed', 'held')"


@dataclass(slots=True)
class Settlement:
    """How an attempt ended; `counted` is false where the failure says nothing about it.

    `fields`: the marks of what the channel's record has been given by now, where that changed.
    """

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
    old_number: str | None = None
    old_place: str | None = None
    adjustments: Sequence[dict[str, str]] = ()
    fields: Mapping[str, str] | None = None
    state: str | None = None
    match: Match | None = None
    error: UpstreamError | None = None


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
    values = (
        registration_id,
        customer_id,
        new.channel,
        new.kind,
        new.outcome,
        int(new.claimed),
        1 if new.claimed else None,
        new.email_verified,
        new.urgent,
        now,
        now,
        new.not_before,
    )
    inserted = db.execute(
        """INSERT INTO deliveries (registration_id, customer_id, channel, kind, outcome, attempts,
                                   claimed_version, email_verified, urgent, created_at,
                                   updated_at, next_attempt_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (customer_id, channel)
               WHERE outcome IN ('pending', 'retrying', 'failed', 'held') DO NOTHING""",
        values,
    )
    if not inserted.rowcount:
        return _raise_open(db, customer_id, registration_id, new, now)
    return _as_written(inserted.lastrowid or 0, registration_id, customer_id, new, now)


def _as_written(
    delivery_id: int,
    registration_id: str | None,
    customer_id: int,
    new: NewDelivery,
    now: float,
) -> Delivery:
    return Delivery(
        id=delivery_id,
        registration_id=registration_id,
        customer_id=customer_id,
        channel=new.channel,
        kind=new.kind,
        outcome=new.outcome,
        error_class=None,
        message=None,
        attempts=int(new.claimed),
        version=1,
        claimed_version=1 if new.claimed else None,
        waiting=None,
        email_verified=new.email_verified,
        urgent=new.urgent,
        plan=None,
        action=None,
        reference=None,
        adjustments=(),
        created_at=now,
        updated_at=now,
        next_attempt_at=new.not_before,
    )


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
                email_verified = max(email_verified, :verified), urgent = max(urgent, :urgent),
                attempts = CASE WHEN outcome IN ('failed', 'held') THEN 0 ELSE attempts END
                           + (:claimed AND claimed_version IS NULL),
                outcome = CASE WHEN claimed_version IS NULL AND
                                    (:claimed OR :later OR outcome IN ('failed', 'held'))
                               THEN :outcome ELSE outcome END,
                next_attempt_at = CASE WHEN :later IS NOT NULL THEN :later
                                       WHEN :claimed OR outcome IN ('failed', 'held') THEN NULL
                                       ELSE next_attempt_at END,
                claimed_version = CASE WHEN claimed_version IS NULL AND :claimed
                                       THEN version + 1 ELSE claimed_version END
            WHERE customer_id = :customer AND channel = :channel AND outcome IN {_OPEN}
            RETURNING *""",  # noqa: S608
        {
            "now": now,
            "kind": new.kind,
            "registration": registration_id,
            "verified": new.email_verified,
            "urgent": new.urgent,
            "later": new.not_before,
            "claimed": new.claimed,
            "outcome": new.outcome,
            "customer": customer_id,
            "channel": new.channel,
        },
    ).fetchall()
    return row_to_delivery(rows[0])


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
    """Write how an attempt ended. `delivered` only at the version that the attempt began with;
    `failed` likewise: what came meanwhile may have mended it.

    A change that came meanwhile may have said when the next attempt is due, at the earliest.
    """
    rows = db.execute(
        """UPDATE deliveries SET
               outcome = CASE WHEN ?1 IN ('delivered', 'held', 'failed')
                                   AND version <> claimed_version
                              THEN iif(outcome = 'discarded', 'discarded', 'pending')
                              ELSE ?1 END,
               error_class = ?2, message = ?3, waiting = ?5,
               next_attempt_at = CASE WHEN version <> claimed_version
                                      THEN nullif(max(coalesce(?4, 0),
                                                      coalesce(next_attempt_at, 0)), 0)
                                      ELSE ?4 END,
               attempts = attempts - ?6,
               action = coalesce(?7, action), reference = coalesce(?8, reference),
               adjustments = CASE WHEN ?1 = 'delivered' THEN ?9 ELSE adjustments END,
               urgent = CASE WHEN ?1 = 'retrying' OR ?1 = 'failed' OR version <> claimed_version
                             THEN urgent ELSE 0 END,
               state = coalesce(?12, state), claimed_version = NULL, updated_at = ?10
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
            end.state,
        ),
    ).fetchall()
    _record_attempt(db, end)
    if not rows:
        return None
    delivery = row_to_delivery(rows[0])
    if delivery.kind is Kind.REMOVAL:
        if end.outcome is Outcome.DELIVERED and end.reference:
            links.remove(db, delivery.channel, delivery.customer_id, end.reference)
    elif end.reference and (end.outcome is Outcome.DELIVERED or end.fields is not None):
        _link(db, delivery, end, now)
        if end.match is not None:
            examination.linked_now(db, delivery.customer_id, int(end.reference), end.match, now)
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
    link = Link(
        channel=delivery.channel,
        customer_id=delivery.customer_id,
        reference=end.reference or "",
        member_number=end.member_number,
        fields=end.fields,
        old_number=end.old_number,
        old_place=end.old_place,
    )
    links.write(db, link, now)


def save_plan(db: sqlite3.Connection, delivery_id: int, plan: dict[str, Any]) -> None:
    """Write down what a channel decided (ids and numbers only) before it acts on it."""
    db.execute(
        "UPDATE deliveries SET plan = ? WHERE id = ?", (orjson.dumps(plan).decode(), delivery_id)
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
