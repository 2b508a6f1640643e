"""Settled rows are deleted after GATEWAY_RETENTION_DAYS; open deliveries and links never are."""

import sqlite3
from functools import partial
from typing import TypeVar

from gateway.store import actions, removals
from gateway.store.outbox.queries import SETTLED_SQL
from gateway.store.paging import LOOKED, PAGE, Run, every_page
from gateway.store.points import orders as points
from gateway.store.points import reservation_steps

__all__ = ["expire"]

_Id = TypeVar("_Id", int, str)
_POINTS = 400 * 86400.0
"""Seconds for which orders that have given points are remembered after their last change."""
_EVENTS = 7 * 86400.0
"""Seconds that worked events are kept to know a repetition; senders try again for hours."""
_DELIVERIES = f"""created_at < :before AND updated_at < :before
                 AND outcome IN {SETTLED_SQL}"""
_REGISTRATIONS = """created_at < :before AND state IN ('accepted', 'rejected', 'replaced')
                 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE registration_id = registrations.id)
                 """


async def expire(write: Run, before: float, now: float) -> int:
    """Delete what was settled before `before`, in pages; the number of rows."""
    await write(partial(removals.old, now=now))
    gone = await every_page(write, partial(_walk, "deliveries", _DELIVERIES, before), -1)
    gone += await every_page(write, partial(_walk, "registrations", _REGISTRATIONS, before), "")
    gone += await every_page(write, partial(_answers, now - 86400), 0)
    gone += await every_page(write, partial(_events, "done", now - _EVENTS), 0)
    gone += await every_page(write, partial(_events, "failed", before), 0)
    gone += await every_page(write, partial(_points, before, now - _POINTS), 0)
    return gone + await every_page(write, partial(_actions, before), 0)


def _walk(
    table: str, old: str, before: float, db: sqlite3.Connection, after: _Id
) -> tuple[int, _Id | None]:
    """Of a page of all rows, by id."""
    end = db.execute(
        f"""SELECT max(id) FROM (SELECT id FROM {table} WHERE id > :after
                                 ORDER BY id LIMIT {LOOKED}) AS page""",  # noqa: S608
        {"after": after},
    ).fetchone()[0]
    if end is None:
        return 0, None
    rows = db.execute(
        f"""SELECT id FROM {table} NOT INDEXED WHERE id > :after AND id <= :end AND {old}
            ORDER BY id LIMIT {PAGE}""",  # noqa: S608
        {"after": after, "end": end, "before": before},
    ).fetchall()
    db.executemany(f"DELETE FROM {table} WHERE id = ?", [(row[0],) for row in rows])  # noqa: S608
    return len(rows), rows[-1][0] if len(rows) == PAGE else end


def _answers(before: float, db: sqlite3.Connection, _: int) -> tuple[int, int | None]:
    gone = db.execute(
        """DELETE FROM idempotency_keys WHERE key IN (
               SELECT key FROM idempotency_keys
               WHERE status IS NOT NULL AND created_at < ? LIMIT ?)""",
        (before, PAGE),
    ).rowcount
    return gone, 0 if gone else None


def _events(state: str, before: float, db: sqlite3.Connection, _: int) -> tuple[int, int | None]:
    gone = db.execute(
        """DELETE FROM events WHERE id IN (
               SELECT id FROM events WHERE state <> 'waiting' AND state = ? AND updated_at < ?
               ORDER BY updated_at LIMIT ?)""",
        (state, before, PAGE),
    ).rowcount
    return gone, 0 if gone else None


def _points(
    before: float, given_before: float, db: sqlite3.Connection, _: int
) -> tuple[int, int | None]:
    """Orders and reservations that will do nothing more, and their movements."""
    gone = points.expire_old(db, before, given_before, PAGE)
    gone += reservation_steps.expire_old(db, before, given_before, PAGE)
    return gone, 0 if gone else None


def _actions(before: float, db: sqlite3.Connection, _: int) -> tuple[int, int | None]:
    gone = actions.expire(db, before)
    return gone, 0 if gone else None
