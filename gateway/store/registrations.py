"""Every query on registrations and their sealed intents.

Beginning one is in `gateway.store.admission`, what follows Shopify's answer in
`gateway.store.acceptance`, waiting in `gateway.store.deferred`, the answers that are remembered in
`gateway.store.idempotency`.
"""

import sqlite3
from typing import Any, Literal

import orjson

from gateway import frozen
from gateway.store.paging import PAGE

__all__ = [
    "DAY",
    "Registration",
    "close",
    "current",
    "drop",
    "fail",
    "forget_person",
    "get",
    "is_still",
    "mark_answered",
    "mark_unclear",
    "mark_untold",
    "refuse",
    "sealed_intent",
    "unanswered_ids",
    "unsettled",
    "unsettled_page",
    "verify",
]

DAY = 86400.0
_SELECT = """SELECT id, state, body_hash, email_hash, email_verified, customer_id, shopify_action,
    warnings, problem, replaced_by, created_at, updated_at, request_id FROM registrations"""


@frozen
class Registration:
    """A row: no personal data, only ids, hashes and what became of it."""

    id: str
    state: str
    body_hash: bytes
    email_hash: bytes
    email_verified: bool
    customer_id: int | None
    shopify_action: str | None
    warnings: list[dict[str, str]]
    problem: dict[str, Any] | None
    replaced_by: str | None
    created_at: float
    updated_at: float
    request_id: str | None = None


def _row(row: sqlite3.Row) -> Registration:
    return Registration(
        id=row["id"],
        state=row["state"],
        body_hash=row["body_hash"],
        email_hash=row["email_hash"],
        email_verified=bool(row["email_verified"]),
        customer_id=row["customer_id"],
        shopify_action=row["shopify_action"],
        warnings=orjson.loads(row["warnings"]),
        problem=orjson.loads(row["problem"]) if row["problem"] else None,
        replaced_by=row["replaced_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        request_id=row["request_id"],
    )


def is_still(db: sqlite3.Connection, row: Registration) -> bool:
    """Whether the registration has not changed since it was read: a late decision is about the
    past, and must not undo what came meanwhile.
    """
    found = db.execute(
        "SELECT 1 FROM registrations WHERE id = ? AND state = ? AND updated_at = ?",
        (row.id, row.state, row.updated_at),
    ).fetchone()
    return found is not None


def drop(db: sqlite3.Connection, registration_id: str) -> None:
    """Shopify refused, or never got it: deletes the sign-up's data."""
    db.execute("DELETE FROM intents WHERE registration_id = ?", (registration_id,))
    db.execute("DELETE FROM registrations WHERE id = ?", (registration_id,))


def close(db: sqlite3.Connection, registration_id: str, now: float) -> None:
    """Ends it without a customer. If the caller was answered 202, the result stays readable."""
    db.execute("DELETE FROM intents WHERE registration_id = ?", (registration_id,))
    db.execute(
        """UPDATE registrations SET updated_at = ?,
                  state = CASE WHEN replaced_by IS NULL THEN 'rejected' ELSE 'replaced' END
           WHERE id = ? AND (replaced_by IS NOT NULL OR problem IS NOT NULL)""",
        (now, registration_id),
    )
    db.execute("DELETE FROM registrations WHERE id = ? AND state = 'unclear'", (registration_id,))


def refuse(
    db: sqlite3.Connection, registration_id: str, problem: dict[str, Any], now: float
) -> None:
    """Shopify refused: kept with its problem if the caller was answered 202, else deleted."""
    db.execute(
        """UPDATE registrations SET state = 'rejected', problem = ?, claimed = 0, updated_at = ?
           WHERE id = ? AND state = 'waiting'""",
        (orjson.dumps(problem).decode(), now, registration_id),
    )
    db.execute("DELETE FROM intents WHERE registration_id = ?", (registration_id,))
    db.execute(
        "DELETE FROM registrations WHERE id = ? AND state IN ('open', 'unclear')",
        (registration_id,),
    )


def fail(
    db: sqlite3.Connection, registration_id: str, again_at: float, now: float, *, doubt: bool
) -> bool:
    """A live try failed. True: a caller was answered 202, so it waits for a try at `again_at`.

    `doubt`: Shopify may have the customer, and has to be asked until that is known.
    """
    waits = db.execute(
        """UPDATE registrations SET claimed = 0, tries = tries + 1,
                  doubt = CASE WHEN ? = 1 THEN 1 ELSE doubt END, next_try_at = ?, updated_at = ?
           WHERE id = ? AND state = 'waiting'""",
        (doubt, again_at, now, registration_id),
    ).rowcount
    if not waits:
        if doubt:
            mark_unclear(db, registration_id, now)
        else:
            drop(db, registration_id)
    return bool(waits)


def mark_unclear(db: sqlite3.Connection, registration_id: str, now: float) -> None:
    """The caller is answered 503, but the customer may exist: recovery goes on asking Shopify.

    Only if the registration has not ended meanwhile.
    """
    db.execute(
        """UPDATE registrations SET state = 'unclear', updated_at = ?
           WHERE id = ? AND state = 'open'""",
        (now, registration_id),
    )


def forget_person(db: sqlite3.Connection, registration_id: str, key: bytes | None) -> None:
    """Its customer is gone from Shopify, or has newer data: a sign-up with this e-mail is somebody
    new, and may use the idempotency key that is waiting for an answer now.
    """
    db.execute("UPDATE registrations SET email_hash = ? WHERE id = ?", (b"", registration_id))
    if key is not None:
        db.execute("DELETE FROM idempotency_keys WHERE key = ? AND status IS NULL", (key,))


def verify(db: sqlite3.Connection, registration_id: str) -> None:
    """The e-mail was proven meanwhile: written as a proof once there is a customer."""
    db.execute("UPDATE registrations SET email_verified = 1 WHERE id = ?", (registration_id,))


def mark_answered(db: sqlite3.Connection, registration_id: str) -> bool:
    """What this registration sent stands from now on. False where nobody was told of it yet, and
    newer data of this e-mail has taken its place, or is on its way to Shopify and may be taking it.
    """
    marked = db.execute(
        """UPDATE registrations AS mine SET answered = 1 WHERE id = ?1 AND (answered = 1 OR (
               email_hash <> ?2 AND NOT EXISTS (
                   SELECT 1 FROM registrations WHERE id <> ?1 AND email_hash = mine.email_hash
                       AND state IN ('open', 'waiting', 'unclear'))))""",
        (registration_id, b""),
    )
    return bool(marked.rowcount)


def mark_untold(db: sqlite3.Connection, registration_id: str) -> None:
    """Its success could not be told after all: newer data of this e-mail may take its place."""
    sql = "UPDATE registrations SET answered = 0 WHERE id = ? AND state = 'accepted'"
    db.execute(sql, (registration_id,))


def get(db: sqlite3.Connection, registration_id: str) -> Registration | None:
    row = db.execute(f"{_SELECT} WHERE id = ?", (registration_id,)).fetchone()
    return _row(row) if row else None


def current(db: sqlite3.Connection, registration_id: str) -> Registration | None:
    """The registration, or the one of the same person that replaced it."""
    found = get(db, registration_id)
    if found is not None and found.replaced_by is not None:
        return get(db, found.replaced_by)
    return found


def unsettled(db: sqlite3.Connection) -> list[Registration]:
    """Sign-ups for which it is not known whether Shopify has the customer, oldest first."""
    rows = db.execute(f"{_SELECT} WHERE state IN ('open', 'unclear') ORDER BY created_at")
    return [_row(row) for row in rows]


def unsettled_page(
    db: sqlite3.Connection, state: Literal["open", "unclear"], after: str
) -> list[Registration]:
    """A page of those in one of these states, by id from behind `after`."""
    rows = db.execute(
        f"""{_SELECT} WHERE state IN ('open', 'unclear') AND state = ? AND id > ?
            ORDER BY id LIMIT ?""",
        (state, after, PAGE),
    )
    return [_row(row) for row in rows]


def unanswered_ids(db: sqlite3.Connection, email_hash: bytes, now: float) -> set[str]:
    """Registrations of this e-mail whose success nobody was told: newer data replaces them."""
    rows = db.execute(
        """SELECT id FROM registrations WHERE email_hash = ? AND
               (state IN ('open', 'waiting', 'unclear', 'replaced') OR
                (state = 'accepted' AND answered = 0 AND updated_at > ?))""",
        (email_hash, now - DAY),
    )
    return {row[0] for row in rows}


def sealed_intent(db: sqlite3.Connection, registration_id: str) -> bytes | None:
    row = db.execute(
        "SELECT sealed FROM intents WHERE registration_id = ?", (registration_id,)
    ).fetchone()
    return row[0] if row else None
