"""Queries that key anew what is kept, and on the secrets that it may still be keyed by."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from gateway import frozen
from gateway.store import duplicate_queue, proofs, signup_evidence
from gateway.store.members import get_meta, set_meta
from gateway.store.outbox.queries import IS_OPEN
from gateway.store.registrations import DAY

__all__ = [
    "Record",
    "RotationCheckpoint",
    "checkpoint",
    "customer",
    "customers_after",
    "finish",
    "intent",
    "intents_after",
    "record",
    "record_of",
    "set_checkpoint",
    "set_used",
    "used",
]

_USED, _CHECKPOINT = "secrets", "rotation"

Fingerprints = Mapping[str, str]


def used(db: sqlite3.Connection) -> dict[str, float | None]:
    """The fingerprints of secrets by which rows may be keyed, and until when; None: for ever."""
    found: dict[str, float | None] = orjson.loads(get_meta(db, _USED) or "{}")
    return found


def set_used(db: sqlite3.Connection, secrets: Mapping[str, float | None]) -> None:
    set_meta(db, _USED, orjson.dumps(secrets).decode())


@frozen
class RotationCheckpoint:
    """How far a rotation to the secret `to` has come: the customers up to `after`."""

    to: str
    after: int = 0
    customers: int = 0


def checkpoint(db: sqlite3.Connection) -> RotationCheckpoint | None:
    text = get_meta(db, _CHECKPOINT)
    return RotationCheckpoint(**orjson.loads(text)) if text else None


def set_checkpoint(db: sqlite3.Connection, reached: RotationCheckpoint) -> None:
    set_meta(db, _CHECKPOINT, orjson.dumps(reached).decode())


def finish(db: sqlite3.Connection, newest: str, older: Iterable[str], now: float) -> None:
    """All is keyed by the newest secret but what is kept for a day."""
    known = used(db)
    set_used(db, {each: known.get(each) or now + DAY for each in older} | {newest: None})
    set_meta(db, _CHECKPOINT, "")
    duplicate_queue.add_all_linked(db)


# -- sign-ups under way


def intents_after(
    db: sqlite3.Connection, registration_id: str, limit: int
) -> list[tuple[str, bytes]]:
    """(registration id, sealed intent), by id from above this one."""
    rows = db.execute(
        """SELECT registration_id, sealed FROM intents WHERE registration_id > ?
           ORDER BY registration_id LIMIT ?""",
        (registration_id, limit),
    )
    return [(row[0], row[1]) for row in rows]


def intent(
    db: sqlite3.Connection,
    registration_id: str,
    sealed: bytes,
    body_hash: bytes,
    emails: tuple[bytes, bytes],
) -> None:
    """Seal a sign-up anew. `emails`: the hash of its e-mail as it was, and as it is from now on,
    which all registrations of this person get.
    """
    db.execute("UPDATE intents SET sealed = ? WHERE registration_id = ?", (sealed, registration_id))
    db.execute("UPDATE registrations SET body_hash = ? WHERE id = ?", (body_hash, registration_id))
    was, becomes = emails
    db.execute("UPDATE registrations SET email_hash = ? WHERE email_hash = ?", (becomes, was))


# -- customers


def customers_after(db: sqlite3.Connection, after: int, limit: int) -> list[int]:
    """Customers of whom something keyed is kept, by id from above `after`."""
    found: set[int] = set()
    for table, is_kept in (
        ("links", "TRUE"),
        ("proofs", "TRUE"),
        ("signup_evidence", "TRUE"),
        ("deliveries", IS_OPEN),
    ):
        rows = db.execute(
            f"""SELECT DISTINCT customer_id FROM {table} WHERE {is_kept} AND customer_id > ?
                ORDER BY customer_id LIMIT ?""",  # noqa: S608
            (after, limit),
        )
        found |= {row[0] for row in rows}
    return sorted(found)[:limit]


def customer(
    db: sqlite3.Connection,
    customer_id: int,
    emails: Sequence[bytes],
    evidence: Mapping[str, bytes | None],
) -> None:
    """What is kept of their e-mail, and the evidence of duplicates where there is some."""
    proofs.rekey(db, customer_id, emails)
    row = db.execute(
        "SELECT 1 FROM signup_evidence WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    if row is not None:
        signup_evidence.put(db, customer_id, evidence)


@frozen
class Record:
    """What is kept of one channel's record of a customer: the fingerprints of its link, of the plan
    of a delivery that is open, and the state that its last attempt failed with.
    """

    reference: str | None
    fingerprints: Fingerprints | None
    delivery_id: int | None
    planned: Fingerprints | None
    content_hash: str | None


def record_of(db: sqlite3.Connection, channel: str, customer_id: int) -> Record:
    link = db.execute(
        "SELECT reference, fingerprints FROM links WHERE channel = ? AND customer_id = ?",
        (channel, customer_id),
    ).fetchone() or (None, None)
    delivery = db.execute(
        f"""SELECT id, json_extract(plan, '$.fields'), content_hash FROM deliveries
            WHERE customer_id = ? AND channel = ? AND {IS_OPEN}""",  # noqa: S608
        (customer_id, channel),
    ).fetchone() or (None, None, None)
    return Record(
        link[0], _fingerprints(link[1]), delivery[0], _fingerprints(delivery[1]), delivery[2]
    )


def _fingerprints(text: str | None) -> Fingerprints | None:
    return orjson.loads(text) if text else None


def record(
    db: sqlite3.Connection,
    channel: str,
    customer_id: int,
    rekeyed: Callable[[Fingerprints], Fingerprints],
    content_hashes: Sequence[str],
) -> None:
    """The fingerprints as they are by now, keyed anew. `content_hashes`: of the customer, the
    newest first.
    """
    now = record_of(db, channel, customer_id)
    if (
        now.fingerprints is not None
        and (fingerprints := rekeyed(now.fingerprints)) != now.fingerprints
    ):
        db.execute(
            "UPDATE links SET fingerprints = ? WHERE channel = ? AND customer_id = ?",
            (orjson.dumps(fingerprints).decode(), channel, customer_id),
        )
    if now.planned is not None:
        plan = db.execute(
            "SELECT plan FROM deliveries WHERE id = ?", (now.delivery_id,)
        ).fetchone()[0]
        fields = rekeyed(now.planned)
        db.execute(
            "UPDATE deliveries SET plan = ? WHERE id = ?",
            (orjson.dumps({**orjson.loads(plan), "fields": fields}).decode(), now.delivery_id),
        )
    if now.content_hash in content_hashes:
        db.execute(
            "UPDATE deliveries SET content_hash = ? WHERE id = ?",
            (content_hashes[0], now.delivery_id),
        )
