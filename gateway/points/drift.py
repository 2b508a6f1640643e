"""What Smaregi's ledger has otherwise than our own books: found, told, and never mended blindly.

twice      two transactions bear one number
unknown    a number of ours that our books do not know
cancelled  staff cancelled it at a till
differs    another member, or other points
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from gateway.channels.smaregi.ledger import ADDED, PAGE, TAKEN, Recorded
from gateway.points.booking import is_ours
from gateway.store import Engine
from gateway.store.members import get_meta, set_meta
from gateway.store.points import Movement, drift, known
from gateway.store.points.drift import Drift

__all__ = ["LedgerPass", "judge"]

_SEEN = "points_ledger_seen"
_OVERLAP = 600.0
_SETTLING = 300.0
"""Seconds before now that are left to the next pass: what is under way is no drift."""
_LONGEST = 30 * 86400.0


class Ledger(Protocol):
    async def changed(
        self, store_id: str, division: str, since: float, until: float, page: int
    ) -> list[Recorded]: ...


class LedgerPass:
    """Compares what was made or changed since the last pass, of one store."""

    def __init__(self, db: Engine, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger

    async def compare(self, store_id: str, now: float) -> int:
        """How much was found that was not known before. Raises UpstreamError."""
        seen = await self._db.read(lambda db: get_meta(db, _SEEN))
        until = now - _SETTLING
        since = min(float(seen) if seen else until, until) - _OVERLAP
        since = max(since, until - _LONGEST)
        rows = [
            row
            for division in (ADDED, TAKEN)
            for row in await self._all(store_id, division, since, until)
        ]

        def unit(db: sqlite3.Connection) -> int:
            new = drift.add(db, judge(rows, *_books(db, rows), now))
            set_meta(db, _SEEN, repr(until))
            return new

        return await self._db.write(unit)

    async def _all(
        self, store_id: str, division: str, since: float, until: float
    ) -> list[Recorded]:
        found: list[Recorded] = []
        page, full = 1, True
        while full:
            rows = await self._ledger.changed(store_id, division, since, until, page)
            found += rows
            page, full = page + 1, len(rows) >= PAGE
        return list({row.head_id: row for row in found}.values())


def _books(
    db: sqlite3.Connection, rows: Sequence[Recorded]
) -> tuple[dict[str, Movement], dict[str, Movement]]:
    """Our movements, by transaction and by number."""
    return (
        known.known_heads(db, [row.head_id for row in rows]),
        known.by_uuids(db, {row.uuid for row in rows if is_ours(row.uuid)}),
    )


def judge(
    rows: Sequence[Recorded],
    by_head: dict[str, Movement],
    by_uuid: dict[str, Movement],
    now: float,
) -> list[Drift]:
    """Pure. What is neither a movement's transaction nor bears a number of ours is a till's."""
    found = []
    others = defaultdict(list)
    for row in rows:
        if is_ours(row.uuid):
            others[row.uuid].append(row)
    for row in rows:
        ours = by_head.get(row.head_id) or by_uuid.get(row.uuid)
        if ours is None and not is_ours(row.uuid):
            continue
        kind = _kind(row, ours, len(others.get(row.uuid, ())))
        if kind is not None:
            movement_id = ours.id if ours is not None else None
            found.append(
                Drift(row.head_id, kind, row.uuid, row.member_id, row.points, movement_id, now)
            )
    return found


def _kind(row: Recorded, ours: Movement | None, count: int) -> drift.Kind | None:
    if ours is None:
        return None if row.cancelled else "unknown"
    another = count > 1 if ours.head_id is None else ours.head_id != row.head_id
    if another:
        return None if row.cancelled else "twice"
    if row.cancelled:
        return "cancelled"
    if ours.state == "done" and (ours.points != row.points or ours.member_id != row.member_id):
        return "differs"
    return None
