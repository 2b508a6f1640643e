"""Which advisory locks a unit takes: they end with its transaction."""

from hashlib import blake2b

from gateway.store.engine import Whom

__all__ = ["locks"]


def locks(space: str, keys: Whom) -> str:
    """The calls that take them. A unit with keys shares one lock with all others that have some;
    one that runs alone has it to itself. `space` keeps the shops of one database apart.
    """
    everybody = _number(space, "")
    if keys is None:
        return f"pg_advisory_xact_lock({everybody})"
    numbers = sorted({_number(space, key) for key in keys})
    own = (f"pg_advisory_xact_lock({number})" for number in numbers)
    return ", ".join((f"pg_advisory_xact_lock_shared({everybody})", *own))


def _number(space: str, key: int | bytes | str) -> int:
    digest = blake2b(f"{space}\0{key!r}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
