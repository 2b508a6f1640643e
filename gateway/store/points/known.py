"""Our movements, by what Smaregi's ledger says of them."""

import sqlite3
from collections.abc import Iterable

from gateway.store.points.records import MOVEMENT_COLUMNS, Movement, movement_of

__all__ = ["by_uuids", "known_heads"]

_SELECT = f"SELECT {MOVEMENT_COLUMNS} FROM points_movements"  # noqa: S608


def known_heads(db: sqlite3.Connection, head_ids: Iterable[str]) -> dict[str, Movement]:
    """Our movements by the transactions that they are."""
    found = {}
    for head_id in head_ids:
        row = db.execute(f"{_SELECT} WHERE head_id = ? LIMIT 1", (head_id,)).fetchone()
        if row is not None:
            found[head_id] = movement_of(row)
    return found


def by_uuids(db: sqlite3.Connection, uuids: Iterable[str]) -> dict[str, Movement]:
    """Those that are not void."""
    found = {}
    for uuid in uuids:
        row = db.execute(f"{_SELECT} WHERE uuid = ? AND state <> 'void'", (uuid,)).fetchone()
        if row is not None:
            found[uuid] = movement_of(row)
    return found
