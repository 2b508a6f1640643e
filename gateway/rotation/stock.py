"""At the start: which secrets are in use, and sign-ups under way sealed by the newest of them."""

import logging
import sqlite3
from collections.abc import Mapping
from functools import partial

from gateway.registration.intent import person_of, read_intent
from gateway.store import Engine, Keys, rekeying

__all__ = ["reseal", "take_stock"]

log = logging.getLogger(__name__)

_AT_ONCE = 100
_LOST = (
    "GATEWAY_SECRET: the secret by which rows of the database are keyed is not in it any more. Put "
    "it behind the new one and run `secret rotate`; without it sign-ups that wait and remembered "
    "answers cannot be read, proven e-mails are forgotten, and profiles may be sent again"
)
_EARLY = (
    "GATEWAY_SECRET: an older secret went before its time: answers remembered and sign-ups of the "
    "last 24 hours may not be known again"
)
_OWED = "GATEWAY_SECRET has a new first entry: run `secret rotate`, which says when the old may go"


async def take_stock(db: Engine, keys: Keys, now: float, *, remember: bool) -> None:
    """Warn of a secret that is missing; once, where it is to `remember`ed."""
    known = await db.read(rekeying.used)
    _warn(known, keys, now)
    if remember:
        secrets: dict[str, float | None] = {each.fingerprint: None for each in keys.every}
        secrets |= {old.fingerprint: known.get(old.fingerprint) for old in keys.older}
        if secrets != known:
            await db.write(partial(rekeying.set_used, secrets=secrets))


def _warn(known: Mapping[str, float | None], keys: Keys, now: float) -> None:
    here = {each.fingerprint for each in keys.every}
    missing = [until for each, until in known.items() if each not in here]
    if None in missing:
        log.warning(_LOST)
    elif any(until is not None and until > now for until in missing):
        log.warning(_EARLY)
    if any(known.get(old.fingerprint) is None for old in keys.older):
        log.info(_OWED)


async def reseal(db: Engine, keys: Keys) -> None:
    """Sign-ups under way no longer need an older secret: their data is at hand, if sealed."""
    after: str | None = "" if keys.older else None
    while after is not None:
        after = await db.write(partial(_reseal, keys=keys, after=after))


def _reseal(db: sqlite3.Connection, keys: Keys, after: str) -> str | None:
    """A page of them; the last id of it, None where there was none."""
    rows = rekeying.intents_after(db, after, _AT_ONCE)
    for registration_id, sealed in rows:
        for older in keys.older:
            plain = older.unseal(sealed, registration_id)
            if plain is not None:
                profile = read_intent(plain)
                email, body = person_of(profile, keys)
                emails = (older.email(profile.email), email)
                anew = keys.seal(plain, registration_id)
                rekeying.intent(db, registration_id, anew, body, emails)
    return rows[-1][0] if rows else None
