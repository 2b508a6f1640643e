"""Passwords of people: kept as scrypt hashes (RFC 7914), or as they are, and compared as hashes.

A hash is `scrypt:N:r:p:salt:hash`, the last two in URL-safe base64: no character of it means
anything to a shell, to Compose or in `.env`. One costs about 50 ms and 16 MB.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Annotated

from pydantic import AfterValidator, SecretStr

__all__ = ["LEAST", "LONGEST", "Password", "hashed", "is_hash", "is_right"]

LEAST, LONGEST = 12, 256
"""Characters of a password."""
_COST, _BLOCK, _PARALLEL = 1 << 14, 8, 1
_MEMORY = 64 * 1024 * 1024
_MOST_COST = 1 << 17
_FORM = re.compile(r"scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([\w-]{22,86}={0,2}):([\w-]{43}=)")


def hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    made = _derived(password, salt, _COST, _BLOCK, _PARALLEL)
    parts = ["scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), _text(salt), _text(made)]
    return ":".join(parts)


def is_right(password: str, kept: str) -> bool:
    """Whether it is the one that `kept`, a hash, was made of; in constant time beyond the hash."""
    found = _FORM.fullmatch(kept)
    if found is None:
        return False
    cost, block, parallel = (int(found[i]) for i in (1, 2, 3))
    made = _derived(password, base64.urlsafe_b64decode(found[4]), cost, block, parallel)
    return hmac.compare_digest(made, base64.urlsafe_b64decode(found[5]))


def is_hash(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def _derived(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password[:LONGEST].encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=block,
        p=parallel,
        maxmem=_MEMORY,
        dklen=32,
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _password(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text.startswith("scrypt:"):
        _require_usable(text)
    elif not LEAST <= len(text) <= LONGEST:
        raise ValueError(f"should have {LEAST} to {LONGEST} characters, or be a hash of one")
    return secret


def _require_usable(text: str) -> None:
    """Also that its own numbers can be computed, here and quickly."""
    found = _FORM.fullmatch(text)
    wrong = "is no whole hash: make it again with `console password`"
    if found is None or not 1 << 12 <= int(found[1]) <= _MOST_COST:
        raise ValueError(wrong)
    try:
        is_right("", text)
    except ValueError:
        raise ValueError(wrong) from None


Password = Annotated[SecretStr, AfterValidator(_password)]
