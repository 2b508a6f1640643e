"""Decides in one transaction whether a sign-up may begin, and writes it if so."""

import dataclasses
import sqlite3
from collections.abc import Collection

from gateway import frozen
from gateway.background import request_id
from gateway.store import registrations, tally
from gateway.store.registrations import DAY

__all__ = ["AdmissionRequest", "Begun", "Bounds", "OlderHashes", "begin"]


@frozen
class OlderHashes:
    """The hashes of a request by an older secret."""

    email_hash: bytes
    body_hash: bytes
    key: bytes | None
    key_hash: bytes


@frozen
class AdmissionRequest:
    """A sign-up that asks to begin. `sealed` is the intent.

    `key` is the hashed idempotency key, `key_hash` the hash of everything that came with it; empty
    without one. `later`: the caller prefers a 202. `before`: its hashes by the older secrets, while
    the secret is changed.
    """

    id: str
    email_hash: bytes
    body_hash: bytes
    email_verified: bool
    sealed: bytes
    key: bytes | None = None
    key_hash: bytes = b""
    later: bool = False
    before: tuple[OlderHashes, ...] = ()

    @property
    def keys(self) -> Collection[bytes]:
        """Whom `begin` is about, by every hash."""
        every: tuple[AdmissionRequest | OlderHashes, ...] = (self, *self.before)
        return [key for each in every for key in (each.email_hash, each.key) if key is not None]

    @property
    def emails(self) -> tuple[bytes, ...]:
        """The hashes of its e-mail, newest first."""
        return (self.email_hash, *[each.email_hash for each in self.before])


@frozen
class Bounds:
    """How many registrations may wait for Shopify, and how many keys of one caller are kept."""

    waiting: int = 100_000
    keys: int = 500_000  # a whole day at six sign-ups a second


BOUNDS = Bounds()


@frozen
class Begun:
    """What the database answers to an opening. `verdict` is one of

    new              go on, under `id`
    resume           the same data, answered 503 or 202 before: go on under that registration's `id`
    waiting          answered 202, and on disk: `id` waits for Shopify
    join             the same person with the same data, running or ended: its `id`
    busy             the same e-mail with other data is running
    key_replay       this key was answered: `status` and `answer`; a 202 is made from `id` alone
    key_busy         a request with this key is running
    key_mismatch     this key came with another body
    full             no more registrations may wait
    too_many_keys    no more keys of this caller may be remembered

    `left_unclear`: it replaced a registration that Shopify may have carried out.
    """

    verdict: str
    id: str = ""
    status: int = 0
    answer: bytes = b""
    left_unclear: bool = False


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
        """SELECT id, state, body_hash, updated_at, claimed, doubt FROM registrations
           WHERE email_hash = ? AND state IN ('open', 'waiting', 'unclear', 'accepted')
           ORDER BY created_at DESC, id DESC LIMIT 20""",
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
        (request.email_verified, not request.later, now, request_id.get(), row["id"]),
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
        (now, request.email_verified, request_id.get(), identity),
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
    asked_by = request_id.get()
    db.execute(
        """INSERT INTO registrations (id, state, email_hash, body_hash, email_verified,
                                      created_at, updated_at, request_id)
           VALUES (?1, 'open', ?2, ?3, ?4, ?5, ?5, ?6)""",
        (request.id, request.email_hash, request.body_hash, request.email_verified, now, asked_by),
    )
    db.execute(
        "INSERT INTO intents (registration_id, sealed, created_at) VALUES (?, ?, ?)",
        (request.id, request.sealed, now),
    )
    if deferred or request.later:
        _defer(db, request.id, now, claimed=not request.later)
    return Begun("waiting" if request.later else "new", id=request.id)
