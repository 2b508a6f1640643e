"""What another process's database says of identities and held removals, for `check`: only read."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import field
from pathlib import Path

from gateway import frozen
from gateway.outcomes import Identity
from gateway.store import identities, removals
from gateway.store.inventory import read_only

__all__ = ["Guard", "read_guard"]


@frozen
class Guard:
    """`pinned`: system -> who it was; `held`: customers who wait for a person."""

    pinned: Mapping[str, Identity] = field(default_factory=dict)
    held: int = 0


def read_guard(path: Path) -> Guard:
    """Nothing where there is no file, or one that cannot be read or is older than this."""
    if not path.exists():
        return Guard()
    try:
        with closing(read_only(path)) as db:
            return Guard(identities.all_of(db), removals.held(db))
    except sqlite3.Error:
        return Guard()
