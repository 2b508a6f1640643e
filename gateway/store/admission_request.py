"""A sign-up that asks the database to begin, and what it is answered."""

from collections.abc import Collection

from gateway import frozen

__all__ = ["BOUNDS", "AdmissionRequest", "Begun", "Bounds", "OlderHashes"]


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
    the secret is changed. `asked_by`: the id of the request.
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
    asked_by: str | None = None

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
