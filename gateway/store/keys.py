"""The gateway's secret, and what is made of it: keyed hashes, and the sealing of intents."""

import hashlib
import os
import secrets as random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.normalize import email_key
from gateway.settings.secret_list import secrets_in
from gateway.store.durable import sync_folder, write_new

__all__ = ["Keys", "add_secret", "secret_path", "secrets_of"]

_NONCE = 12


def secret_path(database: Path) -> Path:
    return database.with_name(database.name + ".secret")


def _load_or_make(path: Path) -> tuple[str, ...]:
    """What its file of mode 600 holds, a secret a line, newest first; made, and on disk, before
    anything is keyed by it.
    """
    return secrets_of(path) or _make(path)


def secrets_of(path: Path) -> tuple[str, ...] | None:
    """What this file holds; None where there is none. ConfigurationError for another kind."""
    try:
        text = _read(path).strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            [f"GATEWAY_SECRET: its file {path.name} cannot be read ({type(error).__name__})"]
        ) from None
    try:
        return secrets_in(text, "\n")
    except ValueError as error:
        raise ConfigurationError([f"GATEWAY_SECRET: its file {path.name}: {error}"]) from None


def _read(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii") as file:
        return file.read()


def _make(path: Path) -> tuple[str, ...]:
    text = random.token_urlsafe(32)
    write_new(path, [text])
    return (text,)


def add_secret(database: Path) -> None:
    """A new first line in the secret's file; the others stay. It is whole on disk, or as it was."""
    path = secret_path(database)
    known = _load_or_make(path)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    write_new(draft, [random.token_urlsafe(32), *known])
    draft.replace(path)
    sync_folder(path)


class Keys:
    """Purpose-bound keys from one secret. `hash` is 16 bytes, keyed BLAKE2b (RFC 7693).

    `older`: those of the secrets before, while what they keyed is still to be read; newest first.
    `fingerprint` says which secret it is, and nothing else of it; so does `check`, by which
    gateways on one database know that they have the same.
    """

    def __init__(self, secret: str, *older: str) -> None:
        # 7 MB, of which commands without a database need none.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        root = secret.encode()
        self._hash = hashlib.blake2b(root, digest_size=32, person=b"gateway-hash").digest()
        self._prepared: dict[bytes, hashlib.blake2b] = {}  # by purpose, all known beforehand
        self._field_hash = hashlib.blake2b(digest_size=8, key=self._hash, person=b"gateway-mark")
        self._seal = AESGCM(hashlib.blake2b(root, digest_size=32, person=b"gateway-seal").digest())
        self.fingerprint = self.derived(b"fingerprint")[:8].hex()
        self.check = self.derived(b"check of a database")[:16].hex()
        self.older = tuple(Keys(each) for each in older)

    @classmethod
    def load(cls, secret: str | None, database: Path | None) -> "Keys":
        """From the setting, or from the file beside the database, made at the first start; where
        there is no such file, ConfigurationError.
        """
        if secret:
            return cls(*secrets_in(secret, ","))
        if database is None:
            raise ConfigurationError(["GATEWAY_SECRET: is not set; PostgreSQL keeps none"])
        return cls(*_load_or_make(secret_path(database)))

    @property
    def every(self) -> "tuple[Keys, ...]":
        """Newest first."""
        return (self, *self.older)

    def hash(self, purpose: bytes, text: str) -> bytes:
        """`purpose` (at most 16 bytes) keeps equal texts of different fields apart."""
        prepared = self._prepared.get(purpose)
        if prepared is None:
            prepared = hashlib.blake2b(digest_size=16, key=self._hash, person=purpose)
            self._prepared[purpose] = prepared
        state = prepared.copy()
        state.update(text.encode("utf-8", "surrogatepass"))
        return state.digest()

    def email(self, address: str) -> bytes:
        """The hash by which registrations, proofs and links know an e-mail, however written."""
        return self.email_of(email_key(address))

    def email_of(self, key: str) -> bytes:
        """The same by its `email_key`."""
        return self.hash(b"email", key)

    def emails(self, address: str) -> tuple[bytes, ...]:
        """`email` by every secret, newest first: what is kept of the e-mail is one of these."""
        return tuple(keys.email(address) for keys in self.every)

    def field_fingerprints(self, scope: str, values: Mapping[str, str]) -> dict[str, str]:
        """A keyed hash of each value, 16 hex digits; equal values differ by `scope` and by name."""
        if not values:
            return {}
        scoped, fingerprints = self._field_hash.copy(), {}
        scoped.update(f"{scope}\0".encode())
        for name, value in values.items():
            digest = scoped.copy()
            digest.update(f"{name}\0{value}".encode("utf-8", "surrogatepass"))
            fingerprints[name] = digest.hexdigest()
        return fingerprints

    def derived(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one room, which learns nothing of the others by it."""
        return hashlib.blake2b(purpose, digest_size=32, key=self._hash, person=b"derived").digest()

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._seal.encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes | None:
        """None where it was sealed with none of the secrets."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

        with suppress(InvalidTag, ValueError):
            return self._seal.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        found = (keys.unseal(sealed, context) for keys in self.older)
        return next((plain for plain in found if plain is not None), None)
