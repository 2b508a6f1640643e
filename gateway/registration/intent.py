"""A sign-up on its way in: its id, what makes two of them equal, and its data, sealed."""

import secrets
from dataclasses import replace
from typing import Any

import orjson

from gateway import frozen
from gateway.background import request_id
from gateway.customer import Address, Profile
from gateway.normalize import email_key
from gateway.store import Keys
from gateway.store.admission import AdmissionRequest, OlderHashes
from gateway.store.tally import CALLER_BYTES

__all__ = ["SignUp", "admission_request", "new_id", "person_of", "read_intent"]


@frozen
class SignUp:
    """A valid registration. `key` is the caller's idempotency key, made unique to the caller.

    `later`: the caller prefers an answer at once (`Prefer: respond-async`).
    """

    profile: Profile
    email_verified: bool
    key: str | None = None
    later: bool = False


def new_id(now: float) -> str:
    """Sortable by time: 12 hex digits of milliseconds, then 20 at random."""
    return f"{int(now * 1000):012x}{secrets.randbits(80):020x}"


def read_intent(plain: bytes) -> Profile:
    values: dict[str, Any] = orjson.loads(plain)
    address = values.pop("address")
    return Profile(**values, address=Address(**address) if address else None)


def admission_request(sign_up: SignUp, keys: Keys, now: float) -> AdmissionRequest:
    """What the database needs to decide whether the sign-up may begin, and its sealed data."""
    plain, email = orjson.dumps(sign_up.profile), email_key(sign_up.profile.email)
    same = _same(sign_up.profile, plain, email)
    identity = new_id(now)
    return AdmissionRequest(
        id=identity,
        email_hash=keys.email_of(email),
        body_hash=keys.hash(b"body", same),
        email_verified=sign_up.email_verified,
        sealed=keys.seal(plain, identity),
        key=_hashed_key(sign_up.key, keys) if sign_up.key else None,
        key_hash=keys.hash(b"key body", f"{sign_up.email_verified} {same}") if sign_up.key else b"",
        later=sign_up.later,
        before=tuple([_older_hashes(sign_up, same, older) for older in keys.older]),
        asked_by=request_id.get(),
    )


def person_of(profile: Profile, keys: Keys) -> tuple[bytes, bytes]:
    """The hashes of the person's e-mail, and of everything that they sent."""
    key = email_key(profile.email)
    same = _same(profile, orjson.dumps(profile), key)
    return keys.email_of(key), keys.hash(b"body", same)


def _same(profile: Profile, plain: bytes, key: str) -> str:
    """A text that two sign-ups have in common if they are the same. `plain`: the profile as JSON;
    `key`: `email_key` of its e-mail.

    A new field of `Profile` changes it, also where it is blank: across that upgrade a repetition is
    taken for another sign-up, and its idempotency key answered 422.
    """
    same = plain if key == profile.email else orjson.dumps(replace(profile, email=key))
    return same.decode()


def _older_hashes(sign_up: SignUp, same: str, keys: Keys) -> OlderHashes:
    return OlderHashes(
        email_hash=keys.email(sign_up.profile.email),
        body_hash=keys.hash(b"body", same),
        key=_hashed_key(sign_up.key, keys) if sign_up.key else None,
        key_hash=keys.hash(b"key body", f"{sign_up.email_verified} {same}"),
    )


def _hashed_key(key: str, keys: Keys) -> bytes:
    """It begins with the caller's hash, so that the keys of each caller can be counted."""
    caller = keys.hash(b"caller", key.partition(":")[0])
    return caller[:CALLER_BYTES] + keys.hash(b"key", key)
