"""Settled rows are deleted after GATEWAY_RETENTION_DAYS; open deliveries and links never are."""

import sqlite3

from gateway.store import removals

__all__ = ["expire"]

_PAGE = 2000
_EVENTS = 7 * 86400.0
"""Seconds that finished events are kept to know a repetition; senders repeat for hours."""


def expire(db: sqlite3.Connection, before: float, now: float) -> int:
    """Delete a page of what was settled before `before`; call again until it returns 0."""
    removals.old(db, now)
    deliveries = db.execute(
        """DELETE FROM deliveries WHERE id IN (
               SELECT id FROM deliveries WHERE created_at < ?1 AND updated_at < ?1
                 AND outcome IN ('delivered', 'skipped', 'dry_run', 'discarded')
               ORDER BY id LIMIT ?2)""",
        (before, _PAGE),
    ).rowcount
    registrations = db.execute(
        """DELETE FROM registrations WHERE id IN (
               SELECT id FROM registrations WHERE created_at < ?1
                 AND state IN ('accepted', 'rejected', 'replaced')
                 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE registration_id = registrations.id)
               ORDER BY id LIMIT ?2)""",
        (before, _PAGE),
    ).rowcount
    answers = db.execute(
        """DELETE FROM answers WHERE key IN (
               SELECT key FROM answers WHERE status IS NOT NULL AND created_at < ? LIMIT ?)""",
        (now - 86400, _PAGE),
    ).rowcount
    events = db.execute(
        """DELETE FROM events WHERE id IN (
               SELECT id FROM events WHERE (state = 'done' AND updated_at < ?)
                  OR (state = 'failed' AND updated_at < ?) LIMIT ?)""",
        (now - _EVENTS, before, _PAGE),
    ).rowcount
    return deliveries + registrations + answers + events
