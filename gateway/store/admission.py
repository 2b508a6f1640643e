"""Decides in one transaction whether a sign-up may begin, and writes it if so."""

import dataclasses
import sqlite3
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from gateway.store import registrations, tally
from gateway.store.admission_request import (
    BOUNDS,
    AdmissionRequest,
    Begun,
    Bounds,
    OlderHashes,
)
from gateway.store.outbox import values
from gateway.store.registrations import DAY

__all__ = ["AdmissionRequest", "Begun", "Bounds", "OlderHashes", "begin", "begin_all"]

Asked = tuple[AdmissionRequest, float, Bounds]
"""What asks to begin, when, and within which bounds."""


def begin_all(db: sqlite3.Connection, asked: Sequence[Asked]) -> list[Begun]:
    """As `begin` for each; those of whom nothing is known, nearly all, begin in two statements."""
    known = Counter(request.email_hash for request, _, _ in asked)
    plain = [
        (request, now)
        for request, now, _ in asked
        if known[request.email_hash] == 1 and _is_plain(request)
    ]
    opened = _open_unknown(db, plain) if plain else ()
    return [
        Begun("new", id=request.id) if request.id in opened else begin(db, request, now, bounds)
        for request, now, bounds in asked
    ]


def _is_plain(request: AdmissionRequest) -> bool:
    return request.key is None and not request.later and not request.before


def _open_unknown(
    db: sqlite3.Connection, plain: Sequence[tuple[AdmissionRequest, float]]
) -> set[str]:
    """Begins those whose e-mail no other sign-up has; their ids."""
    rows = db.execute(_unknown_sql(len(plain)), [value for one in plain for value in _row(*one)])
    opened = {row[0] for row in rows.fetchall()}
    _keep_intents(db, [one for one in plain if one[0].id in opened])
    return opened


_COLUMNS = "id, email_hash, body_hash, email_verified, created_at, updated_at, request_id, state"
_OF_PERSON = "email_hash = {} AND state IN ('open', 'waiting', 'unclear', 'accepted')"


@lru_cache(maxsize=64)
def _unknown_sql(rows: int) -> str:
    return f"""INSERT INTO registrations ({_COLUMNS})
        SELECT e.*, 'open' FROM (VALUES {values(7, rows)}) AS e
        WHERE NOT EXISTS (SELECT 1 FROM registrations WHERE {_OF_PERSON.format("e.column2")})
        RETURNING id"""  # noqa: S608


def _row(request: AdmissionRequest, now: float) -> tuple[Any, ...]:
    return (
        request.id,
        request.email_hash,
        request.body_hash,
        int(request.email_verified),
        now,
        now,
        request.asked_by,
    )


def _keep_intents(db: sqlite3.Connection, opened: Sequence[tuple[AdmissionRequest, float]]) -> None:
    if opened:
        rows = [value for one, now in opened for value in (one.id, one.sealed, now)]
        db.execute(_intents_sql(len(opened)), rows)


@lru_cache(maxsize=64)
def _intents_sql(rows: int) -> str:
    return f"INSERT INTO intents (registration_id, sealed, created_at) VALUES {values(3, rows)}"  # noqa: S608


def begin(
    db: sqlite3.Connection, request: AdmissionRequest, now: float, bounds: Bounds = BOUNDS
) -> Begun:
    """Decides whether a sign-up begins, and writes its intent if it does."""
    for before in request.before:
        _rekey(db, request, before)
    if request.key is not None:
        known = _known_key(db, request, now) or _one_key_more(db, request.key, bounds)
        if known is not None:
            return known
    begun = (
        _same_person(db, request, now)
        or _one_more_to_wait(db, request, bounds)
        or _open(db, request, now)
    )
    if request.key is not None and begun.verdict not in {"busy", "full"}:
        told = (202, b"") if begun.verdict == "waiting" else (None, None)
        db.execute(
            """INSERT INTO idempotency_keys
                   (key, body_hash, registration_id, status, answer, created_at)
               VALUES (?, ?, ?, ?, ?, ?)""",
            (request.key, request.key_hash, begun.id, *told, now),
        )
    return begun


def _one_key_more(db: sqlite3.Connection, key: bytes, bounds: Bounds) -> Begun | None:
    """None if the key may be remembered."""
    return Begun("too_many_keys") if tally.keys_of(db, key) >= bounds.keys else None


def _one_more_to_wait(
    db: sqlite3.Connection, request: AdmissionRequest, bounds: Bounds
) -> Begun | None:
    """None if the sign-up may wait, or need not wait."""
    full = request.later and tally.waiting(db) >= bounds.waiting
    return Begun("full") if full else None


def _rekey(db: sqlite3.Connection, request: AdmissionRequest, before: OlderHashes) -> None:
    """Re-keys what an older secret stored of this person and this key, so that it is found."""
    db.execute(
        """UPDATE registrations
           SET email_hash = ?1, body_hash = CASE body_hash WHEN ?3 THEN ?4 ELSE body_hash END
           WHERE email_hash = ?2""",
        (request.email_hash, before.email_hash, before.body_hash, request.body_hash),
    )
    db.execute(
        """UPDATE idempotency_keys
           SET key = ?1, body_hash = CASE body_hash WHEN ?3 THEN ?4 ELSE body_hash END
           WHERE key = ?2 AND NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE key = ?1)""",
        (request.key, before.key, before.key_hash, request.key_hash),
    )


_KEY = """SELECT body_hash, registration_id, status, answer, created_at
          FROM idempotency_keys WHERE key = ?"""


def _known_key(db: sqlite3.Connection, request: AdmissionRequest, now: float) -> Begun | None:
    row = db.execute(_KEY, (request.key,)).fetchone()
    if row is None:
        return None
    if row["status"] is not None and row["created_at"] <= now - DAY:
        _free(db, request)
        return None
    if row["body_hash"] != request.key_hash:
        return Begun("key_mismatch")
    if row["status"] is None:
        return Begun("key_busy", id=row["registration_id"] or "")
    if row["status"] == 202:
        return _deferred(db, request, row["registration_id"])
    return Begun("key_replay", row["registration_id"] or "", row["status"], row["answer"])


def _deferred(
    db: sqlite3.Connection, request: AdmissionRequest, registration_id: str
) -> Begun | None:
    """The 202 while it waits, then its result. A registration that was given up frees the key."""
    found = registrations.current(db, registration_id)
    if found is None or (found.problem is not None and found.problem["status"] >= 500):
        _free(db, request)
        return None
    if found.state == "waiting":
        return Begun("key_replay", id=registration_id, status=202)
    return Begun("join", id=registration_id)


def _free(db: sqlite3.Connection, request: AdmissionRequest) -> None:
    db.execute("DELETE FROM idempotency_keys WHERE key = ?", (request.key,))


def _same_person(db: sqlite3.Connection, request: AdmissionRequest, now: float) -> Begun | None:
    """The newest of this e-mail decide: running, waiting, unclear, or the newest accepted."""
    rows = db.execute(
        f"""SELECT id, state, body_hash, updated_at, claimed, doubt FROM registrations
            WHERE {_OF_PERSON.format("?")} ORDER BY created_at DESC, id DESC LIMIT 20""",  # noqa: S608
        (request.email_hash,),
    ).fetchall()
    accepted = next((row["id"] for row in rows if row["state"] == "accepted"), None)
    for row in rows:
        same = row["body_hash"] == request.body_hash
        if row["state"] == "open":
            return _beside_a_live_one(db, request, row["id"], now, same=same)
        if row["state"] == "waiting":
            return _beside_a_waiting_one(db, request, row, now, same=same)
        if row["id"] == accepted and same and row["updated_at"] > now - DAY:
            return Begun("join", id=row["id"])
        if row["state"] == "unclear" and same and row is rows[0]:
            return _resume(db, request, row["id"], now)
    return None


def _beside_a_live_one(
    db: sqlite3.Connection, request: AdmissionRequest, identity: str, now: float, *, same: bool
) -> Begun:
    """One is running for a caller who waits. For one who prefers a 202 it counts as answered."""
    if not same:
        return Begun("busy", id=identity)
    if not request.later:
        return Begun("join", id=identity)
    _defer(db, identity, now, claimed=True)
    return Begun("waiting", id=identity)


def _beside_a_waiting_one(
    db: sqlite3.Connection, request: AdmissionRequest, row: sqlite3.Row, now: float, *, same: bool
) -> Begun:
    """A caller who waits has it tried at once. Other data replaces it, and inherits its 202."""
    if row["claimed"]:
        return Begun("waiting" if same else "busy", id=row["id"])
    if not same:
        begun = _open(db, request, now, deferred=True)
        _replace(db, request, row["id"], now)
        return dataclasses.replace(begun, left_unclear=bool(row["doubt"]))
    db.execute(
        """UPDATE registrations
           SET email_verified = CASE WHEN ? = 1 THEN 1 ELSE email_verified END, claimed = ?,
               updated_at = ?, request_id = coalesce(?, request_id) WHERE id = ?""",
        (request.email_verified, not request.later, now, request.asked_by, row["id"]),
    )
    return Begun("waiting" if request.later else "resume", id=row["id"])


def _replace(db: sqlite3.Connection, request: AdmissionRequest, old: str, now: float) -> None:
    """Whoever asks for an older registration of this person sees the newest.

    A registration that Shopify may have carried out keeps its intent until that is known.
    """
    db.execute(
        """UPDATE registrations SET replaced_by = ?1
           WHERE email_hash = ?2 AND (id = ?3 OR replaced_by = ?3)""",
        (request.id, request.email_hash, old),
    )
    db.execute(
        """UPDATE registrations
           SET state = CASE WHEN doubt = 1 THEN 'unclear' ELSE 'replaced' END, updated_at = ?
           WHERE id = ?""",
        (now, old),
    )
    db.execute(
        """DELETE FROM intents WHERE registration_id =
               (SELECT id FROM registrations WHERE id = ? AND state = 'replaced')""",
        (old,),
    )


def _resume(db: sqlite3.Connection, request: AdmissionRequest, identity: str, now: float) -> Begun:
    """Answered 503 before, or given up: nobody knows yet whether Shopify has the customer."""
    db.execute(
        """UPDATE registrations SET state = 'open', updated_at = ?, problem = NULL,
                  email_verified = CASE WHEN ? = 1 THEN 1 ELSE email_verified END,
                  replaced_by = NULL, request_id = coalesce(?, request_id)
           WHERE id = ?""",
        (now, request.email_verified, request.asked_by, identity),
    )
    if not request.later:
        return Begun("resume", id=identity)
    _defer(db, identity, now)
    db.execute("UPDATE registrations SET doubt = 1 WHERE id = ?", (identity,))
    return Begun("waiting", id=identity)


def _defer(db: sqlite3.Connection, identity: str, now: float, *, claimed: bool = False) -> None:
    db.execute(
        """UPDATE registrations SET state = 'waiting', claimed = ?, tries = 0, next_try_at = ?,
                  end_at = ?, updated_at = ? WHERE id = ?""",
        (claimed, now, now + DAY, now, identity),
    )


def _open(
    db: sqlite3.Connection, request: AdmissionRequest, now: float, *, deferred: bool = False
) -> Begun:
    db.execute(
        f"INSERT INTO registrations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')",  # noqa: S608
        _row(request, now),
    )
    _keep_intents(db, [(request, now)])
    if deferred or request.later:
        _defer(db, request.id, now, claimed=not request.later)
    return Begun("waiting" if request.later else "new", id=request.id)
