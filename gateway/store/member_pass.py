"""How far a pass over all members has come: it may be broken off, and continues where it was."""

import sqlite3

from gateway.store import duplicate_queue
from gateway.store.members import get_meta, set_meta

__all__ = ["begin", "complete"]


def begin(
    db: sqlite3.Connection, now: float, keys: str, longest: float, *, again: bool
) -> tuple[float, int, str]:
    """When the pass began, the id it has reached, and the newest stamp it has seen.

    A new one with `again`, after `longest` seconds, or where the other build's `keys` differ.
    """
    began = float(get_meta(db, "members_running") or 0)
    is_ours = get_meta(db, "members_running_keys") == keys
    if began and is_ours and not again and abs(now - began) < longest:
        reached = int(get_meta(db, "members_reached") or 0)
        return began, reached, get_meta(db, "members_newest") or ""
    started = {"running": repr(now), "running_keys": keys, "reached": "0", "newest": ""}
    for name, value in started.items():
        set_meta(db, f"members_{name}", value)
    return now, 0, ""


def complete(db: sqlite3.Connection, stamp: str, keys: str, began: float) -> None:
    """All members are in, up to `stamp`; the linked ones are to be looked at for duplicates."""
    done = {"stamp": stamp, "running": "", "complete": "1", "keys": keys}
    for name, value in (done | {"refreshed_at": repr(began)}).items():
        set_meta(db, f"members_{name}", value)
    duplicate_queue.add_all_linked(db)
