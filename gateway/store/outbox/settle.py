"""Settling attempts: outcomes, attempts and links, written together."""

import sqlite3
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import orjson

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Link, Outcome
from gateway.store import duplicate_queue, links, proofs
from gateway.store.outbox.queries import RETURNED, row_to_delivery
from gateway.store.outbox.result import AttemptResult
from gateway.store.outbox.write import values

__all__ = ["settle"]


def settle(
    db: sqlite3.Connection, ends: Sequence[AttemptResult], now: float
) -> dict[int, Delivery]:
    """Write how attempts ended, by delivery id; those discarded meanwhile are left out.

    `delivered` or `failed` only at the version that the attempt began with: a change that came
    meanwhile may have solved it, and may have said when the next attempt is due at the earliest. An
    end without an attempt leaves one out that is of another version now: a merge may have moved it
    to the survivor. A record belongs to one customer: an attempt that ended with another customer's
    record is a conflict, unless that customer is gone.
    """
    ends = [end for end in ends if end.version is None or _is_at(db, end.delivery_id, end.version)]
    if not ends:
        return {}
    settled = _update(db, ends, now)
    if len(settled) < len(ends):
        ends = _one_customer_a_record(db, ends, settled)
        settled |= _update(db, [end for end in ends if end.delivery_id not in settled], now)
    there = [e for e in ends if e.delivery_id in settled or _is_there(db, e.delivery_id)]
    if there:
        _record_attempts(db, there)
    known = [
        (settled[end.delivery_id], end)
        for end in ends
        if end.delivery_id in settled
        and end.reference
        and (end.outcome is Outcome.DELIVERED or end.fingerprints is not None)
    ]
    linked = [one for one in known if _makes_link(*one)]
    if linked:
        _link(db, linked, now)
    matched = list[duplicate_queue.Linked]()
    for delivery, end in known:
        if end.was_linked:
            links.refresh(db, _as_link(delivery, end), now)
        if delivery.kind.removes:
            links.remove(db, delivery.channel, delivery.customer_id, end.reference or "")
        elif end.match is not None:
            member_id = int(end.reference or 0)
            matched.append((delivery.customer_id, member_id, end.match))
    if matched:
        duplicate_queue.linked_now(db, matched, now)
    return settled


def _is_at(db: sqlite3.Connection, delivery_id: int, version: int) -> bool:
    sql = "SELECT 1 FROM deliveries WHERE id = ? AND version = ?"
    return db.execute(sql, (delivery_id, version)).fetchone() is not None


def _update(
    db: sqlite3.Connection, ends: Sequence[AttemptResult], now: float
) -> dict[int, Delivery]:
    """Leaves out those that are discarded or gone, or whose record is another customer's."""
    rows = db.execute(
        _settle_sql(len(ends)),
        [value for end in ends for value in _settle_values(end, now)],
    )
    return {delivery.id: delivery for delivery in map(row_to_delivery, rows.fetchall())}


def _one_customer_a_record(
    db: sqlite3.Connection, ends: Sequence[AttemptResult], settled: Collection[int]
) -> Sequence[AttemptResult]:
    """Of those that are not `settled`, some ended with another customer's record."""
    left = [end for end in ends if end.delivery_id not in settled]
    pairs = [value for end in left for value in (end.delivery_id, _record(end))]
    taken = {row["id"]: row for row in db.execute(_taken_sql(len(left)), pairs)}
    return [
        _beside(db, end, taken[end.delivery_id]) if end.delivery_id in taken else end
        for end in ends
    ]


def _record(end: AttemptResult) -> str | None:
    """The record that the attempt may make the customer's."""
    return None if end.was_linked else end.reference


_TAKEN = """links.channel = deliveries.channel AND links.reference = e.record
              AND links.customer_id <> deliveries.customer_id AND deliveries.kind <> 'removal'"""
"""A removal is of whoever had the record, so another may have it by now."""


@lru_cache(maxsize=64)
def _taken_sql(rows: int) -> str:
    return f"""WITH e (id, record) AS (VALUES {values(2, rows)})
        SELECT deliveries.id, links.channel, links.customer_id, links.reference
        FROM e JOIN deliveries ON deliveries.id = e.id JOIN links ON {_TAKEN}"""  # noqa: S608


def _beside(db: sqlite3.Connection, end: AttemptResult, link: sqlite3.Row) -> AttemptResult:
    """The record has a link already: that link ends, or the attempt has failed."""
    if end.instead_of == link["customer_id"]:
        links.remove(db, link["channel"], link["customer_id"], link["reference"])
        return end
    return AttemptResult(
        end.delivery_id,
        Outcome.FAILED,
        started_at=end.started_at,
        duration=end.duration,
        error_class=ErrorClass.CONFLICT,
        message=f"another customer ({link['customer_id']}) is linked to record {link['reference']}",
        content_hash=end.content_hash,
    )


def _makes_link(delivery: Delivery, end: AttemptResult) -> bool:
    return not delivery.kind.removes and not end.was_linked


def _as_link(delivery: Delivery, end: AttemptResult) -> Link:
    return Link(
        channel=delivery.channel,
        customer_id=delivery.customer_id,
        reference=end.reference or "",
        member_number=end.member_number,
        fingerprints=end.fingerprints,
        old_number=end.old_number,
        old_place=end.old_place,
    )


@lru_cache(maxsize=64)
def _settle_sql(rows: int) -> str:
    return f"""WITH e (id, outcome, error_class, message, again_at, waiting, uncounted, action,
                       reference, adjustments, content_hash, now, reason, record)
                       AS (VALUES {values(14, rows)})
        UPDATE deliveries SET
            outcome = CASE WHEN e.outcome IN ('delivered', 'held', 'failed')
                                AND version <> claimed_version
                           THEN CASE WHEN deliveries.outcome = 'discarded'
                                     THEN 'discarded' ELSE 'pending' END
                           ELSE e.outcome END,
            error_class = e.error_class, message = e.message, reason = e.reason,
            waiting = e.waiting,
            next_attempt_at = CASE WHEN version <> claimed_version
                                        AND coalesce(next_attempt_at, 0) >
                                            coalesce(CAST(e.again_at AS DOUBLE PRECISION), 0)
                                   THEN next_attempt_at
                                   ELSE CAST(e.again_at AS DOUBLE PRECISION) END,
            attempts = CASE WHEN attempts > e.uncounted
                            THEN attempts - e.uncounted ELSE 0 END,
            action = coalesce(e.action, deliveries.action),
            reference = coalesce(e.reference, deliveries.reference),
            adjustments = CASE WHEN e.outcome = 'delivered' THEN e.adjustments
                               ELSE deliveries.adjustments END,
            urgent = CASE WHEN e.outcome IN ('retrying', 'failed') OR version <> claimed_version
                          THEN urgent ELSE 0 END,
            content_hash = coalesce(e.content_hash, deliveries.content_hash),
            claimed_version = NULL,
            updated_at = e.now
        FROM e
        WHERE deliveries.id = e.id
              AND (deliveries.outcome <> 'discarded' OR e.outcome = 'delivered')
              AND NOT EXISTS (SELECT 1 FROM links WHERE {_TAKEN})
        RETURNING {RETURNED}"""  # noqa: S608


def _settle_values(end: AttemptResult, now: float) -> tuple[Any, ...]:
    return (
        end.delivery_id,
        end.outcome,
        end.error_class,
        end.message,
        end.next_attempt_at,
        end.waiting,
        0 if end.counted else 1,
        end.action,
        end.reference,
        orjson.dumps(list(end.adjustments)).decode(),
        end.content_hash,
        now,
        end.reason,
        _record(end),
    )


def _is_there(db: sqlite3.Connection, delivery_id: int) -> bool:
    """A discarded one: retention may have been faster."""
    sql = "SELECT 1 FROM deliveries WHERE id = ?"
    return db.execute(sql, (delivery_id,)).fetchone() is not None


def _record_attempts(db: sqlite3.Connection, ends: Sequence[AttemptResult]) -> None:
    db.execute(
        _attempts_sql(len(ends)),
        [
            value
            for end in ends
            for value in (
                end.delivery_id,
                end.started_at,
                end.duration,
                end.outcome,
                end.error_class,
                end.message,
                end.reason,
                end.counted,
            )
        ],
    )


@lru_cache(maxsize=64)
def _attempts_sql(rows: int) -> str:
    return f"""INSERT INTO attempts (delivery_id, started_at, duration, outcome, error_class,
                                     message, reason, counted) VALUES {values(8, rows)}"""  # noqa: S608


def _link(
    db: sqlite3.Connection, linked: Sequence[tuple[Delivery, AttemptResult]], now: float
) -> None:
    db.execute(
        _link_sql(len(linked)),
        [
            value
            for delivery, end in linked
            for value in (
                delivery.channel,
                delivery.customer_id,
                end.reference,
                end.member_number,
                end.old_number,
                end.old_place,
                None if end.fingerprints is None else orjson.dumps(end.fingerprints).decode(),
                now,
                now,
                end.unproven,
            )
        ],
    )
    if any(end.unproven for _, end in linked):
        proofs.release(db, [delivery.customer_id for delivery, _ in linked])


_SAME_RECORD = "CASE WHEN links.reference = excluded.reference THEN links.{} END"


@lru_cache(maxsize=64)
def _link_sql(rows: int) -> str:
    return f"""INSERT INTO links (channel, customer_id, reference, member_number, old_number,
                                  old_place, fingerprints, created_at, updated_at, unproven)
        VALUES {values(10, rows)}
        ON CONFLICT (channel, customer_id) DO UPDATE SET
            old_number = coalesce(excluded.old_number, {_SAME_RECORD.format("old_number")}),
            old_place = coalesce(excluded.old_place, {_SAME_RECORD.format("old_place")}),
            unproven = CASE WHEN links.reference = excluded.reference
                            THEN links.unproven ELSE excluded.unproven END,
            reference = excluded.reference,
            member_number = coalesce(excluded.member_number, links.member_number),
            fingerprints = coalesce(excluded.fingerprints, links.fingerprints),
            updated_at = excluded.updated_at"""  # noqa: S608
