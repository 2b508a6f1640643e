"""Every query on registrations, their sealed intents and the remembered answers."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.outcomes import Delivery, NewDelivery
from gateway.store import outbox

__all__ = [
    "DAY",
    "Begun",
    "Opening",
    "Registration",
    "accept",
    "begin",
    "drop",
    "forget_unfinished_answers",
    "get",
    "intents_open",
    "mark_told",
    "mark_unclear",
    "remember",
    "sealed_intent",
    "unsettled",
    "untold_ids",
]

DAY = 86400.0


@dataclass(frozen=True, slots=True)
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
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Opening:
    """A sign-up that asks to begin. `sealed` is the intent.

    `key` is the hashed idempotency key, `key_hash` the hash of all that came with it.
    """

    id: str
    email_hash: bytes
    body_hash: bytes
    email_verified: bool
    sealed: bytes
    key: bytes | None = None
    key_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the database says to an opening. `verdict` is one of

    new              go on, under `id`
    resume           the same data, told 503 before: go on under that registration's `id`
    join             the same person with the same data, under way or accepted: its `id`
    busy             the same e-mail with other data is under way
    key_replay       this key was answered: `status` and `answer`
    key_busy         this key is under way
    key_mismatch     this key came with another body
    """

    verdict: str
    id: str = ""
    status: int = 0
    answer: bytes = b""


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
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def begin(db: sqlite3.Connection, opening: Opening, now: float) -> Begun:
    """Decide in one transaction whether a sign-up begins, and write its intent if it does."""
    if opening.key is not None:
        known = _known_key(db, opening, now)
        if known is not None:
            return known
    same_person = _same_person(db, opening, now)
    begun = same_person or _open(db, opening, now)
    if opening.key is not None and begun.verdict != "busy":
        db.execute(
            "INSERT INTO answers (key, body_hash, registration_id, created_at) VALUES (?, ?, ?, ?)",
            (opening.key, opening.key_hash, begun.id, now),
        )
    return begun


def _known_key(db: sqlite3.Connection, opening: Opening, now: float) -> Begun | None:
    row = db.execute("SELECT * FROM answers WHERE key = ?", (opening.key,)).fetchone()
    if row is None:
        return None
    if row["status"] is not None and row["created_at"] <= now - DAY:
        db.execute("DELETE FROM answers WHERE key = ?", (opening.key,))
        return None
    if row["body_hash"] != opening.key_hash:
        return Begun("key_mismatch")
    if row["status"] is None:
        return Begun("key_busy", id=row["registration_id"] or "")
    return Begun("key_replay", status=row["status"], answer=row["answer"])


def _same_person(db: sqlite3.Connection, opening: Opening, now: float) -> Begun | None:
    """The newest registrations of this e-mail decide: under way, told 503, or accepted today."""
    rows = db.execute(
        """SELECT id, state, body_hash, created_at FROM registrations
           WHERE email_hash = ? AND state IN ('open', 'unclear', 'accepted')
           ORDER BY created_at DESC, id DESC LIMIT 20""",
        (opening.email_hash,),
    ).fetchall()
    for row in rows:
        same = row["body_hash"] == opening.body_hash
        if row["state"] == "open":
            return Begun("join", id=row["id"]) if same else Begun("busy", id=row["id"])
        if row["state"] == "accepted" and same and row["created_at"] > now - DAY:
            return Begun("join", id=row["id"])
        if row["state"] == "unclear" and same and row is rows[0]:
            db.execute(
                "UPDATE registrations SET state = 'open', email_verified = ?, updated_at = ?"
                " WHERE id = ?",
                (opening.email_verified, now, row["id"]),
            )
            return Begun("resume", id=row["id"])
    return None


def _open(db: sqlite3.Connection, opening: Opening, now: float) -> Begun:
    db.execute(
        """INSERT INTO registrations (id, state, email_hash, body_hash, email_verified,
                                      created_at, updated_at)
           VALUES (?, 'open', ?, ?, ?, ?, ?)""",
        (
            opening.id,
            opening.email_hash,
            opening.body_hash,
            opening.email_verified,
            now,
            now,
        ),
    )
    db.execute(
        "INSERT INTO intents (registration_id, sealed, created_at) VALUES (?, ?, ?)",
        (opening.id, opening.sealed, now),
    )
    return Begun("new", id=opening.id)


def accept(
    db: sqlite3.Connection,
    registration_id: str,
    customer_id: int,
    shopify_action: str,
    warnings: list[dict[str, str]],
    deliveries: list[NewDelivery],
    now: float,
    *,
    answered: bool,
) -> list[Delivery]:
    """Shopify has the customer: the deliveries are owed, and the intent is gone for good.

    Earlier registrations of the same e-mail that stayed unclear ended in this one.
    """
    db.execute(
        """UPDATE registrations SET state = 'accepted', customer_id = ?, shopify_action = ?,
                  warnings = ?, told = ?, updated_at = ? WHERE id = ?""",
        (
            customer_id,
            shopify_action,
            orjson.dumps(warnings).decode(),
            answered,
            now,
            registration_id,
        ),
    )
    superseded = db.execute(
        """SELECT id FROM registrations WHERE state = 'unclear' AND id <> ?1 AND email_hash =
               (SELECT email_hash FROM registrations WHERE id = ?1)""",
        (registration_id,),
    ).fetchall()
    for row in superseded:
        drop(db, row["id"])
    db.execute("DELETE FROM intents WHERE registration_id = ?", (registration_id,))
    return outbox.add(db, customer_id, registration_id, deliveries, now)


def drop(db: sqlite3.Connection, registration_id: str) -> None:
    """Shopify refused, or never got it: nothing of the sign-up is kept."""
    db.execute("DELETE FROM intents WHERE registration_id = ?", (registration_id,))
    db.execute("DELETE FROM registrations WHERE id = ?", (registration_id,))


def mark_unclear(db: sqlite3.Connection, registration_id: str, now: float) -> None:
    """The caller is told 503, yet the customer may exist: recovery goes on asking Shopify."""
    db.execute(
        "UPDATE registrations SET state = 'unclear', updated_at = ? WHERE id = ?",
        (now, registration_id),
    )


def mark_told(db: sqlite3.Connection, registration_id: str) -> None:
    """What this registration sent stands from now on."""
    db.execute("UPDATE registrations SET told = 1 WHERE id = ?", (registration_id,))


def remember(
    db: sqlite3.Connection, key: bytes, status: int | None, answer: bytes, now: float
) -> None:
    """Keep the answer under its idempotency key; without a status the key is free again."""
    if status is None:
        db.execute("DELETE FROM answers WHERE key = ? AND status IS NULL", (key,))
        return
    db.execute(
        "UPDATE answers SET status = ?, answer = ?, created_at = ? WHERE key = ?",
        (status, answer, now, key),
    )


def forget_unfinished_answers(db: sqlite3.Connection) -> None:
    """Keys whose owner died before it answered are free: nobody was told anything."""
    db.execute("DELETE FROM answers WHERE status IS NULL")


def get(db: sqlite3.Connection, registration_id: str) -> Registration | None:
    row = db.execute("SELECT * FROM registrations WHERE id = ?", (registration_id,)).fetchone()
    return _row(row) if row else None


def unsettled(db: sqlite3.Connection) -> list[Registration]:
    """Sign-ups whose Shopify step is not known to have ended, oldest first."""
    rows = db.execute(
        "SELECT * FROM registrations WHERE state IN ('open', 'unclear') ORDER BY created_at"
    )
    return [_row(row) for row in rows]


def untold_ids(db: sqlite3.Connection, email_hash: bytes, now: float) -> set[str]:
    """Registrations of this e-mail of whose success nobody was told: newer data replaces them."""
    rows = db.execute(
        """SELECT id FROM registrations WHERE email_hash = ? AND
               (state IN ('open', 'unclear') OR
                (state = 'accepted' AND told = 0 AND created_at > ?))""",
        (email_hash, now - DAY),
    )
    return {row[0] for row in rows}


def sealed_intent(db: sqlite3.Connection, registration_id: str) -> bytes | None:
    row = db.execute(
        "SELECT sealed FROM intents WHERE registration_id = ?", (registration_id,)
    ).fetchone()
    return row[0] if row else None


def intents_open(db: sqlite3.Connection) -> tuple[int, float | None]:
    """How many intents wait, and since when the oldest does."""
    row = db.execute("SELECT count(*), min(created_at) FROM intents").fetchone()
    return row[0], row[1]
