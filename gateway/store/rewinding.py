"""A database that is put back to an older day knows less than the world: what it believes to be
owed may have been done since.

Who has a record in Shopify, Smaregi or the CRM is recognised there, and gets nothing twice. This
marks what nobody would recognise:

    mails        those that were open may have been sent: `failed` with `too_late`, so they go only
                 where a person names them
    merges       points that were on their way between two members may have arrived: for a person
    points       `rewound_at` tells whoever sends points of orders older than it
    sign-ups     their data is not in a backup: Shopify is asked what became of them
    ids          none that was given since is given again, to Smaregi neither
"""

import sqlite3
from collections.abc import Collection

from gateway import frozen
from gateway.store.members import get_meta, set_meta
from gateway.store.outbox.queries import IS_OPEN

__all__ = [
    "IDS",
    "LOST",
    "PROMOTED",
    "REASONS",
    "RESTORED",
    "Rewound",
    "rewind",
    "rewound_at",
    "skip_ids",
]

LOST = "transactions that it had committed are gone from it"
RESTORED = "it was restored from a dump, or is a copy"
PROMOTED = "another server was promoted, which may lack the last transactions of the one before"
REASONS = (LOST, RESTORED, PROMOTED)
"""Why a database may hold less than was committed to it."""
_REWOUND_AT = "rewound_at"
_MAIL = "the database was put back to an older state: this mail may have been sent since"
_MERGE = "the database was put back to an older state while points were on their way"
IDS = 1_000_000
"""More than anybody gives between two backups: so many are given to nobody."""


@frozen
class Rewound:
    """What a person has to decide."""

    mails: int
    merges: int


def rewound_at(db: sqlite3.Connection) -> float | None:
    """When it was put back last, Unix seconds."""
    text = get_meta(db, _REWOUND_AT)
    return float(text) if text else None


def rewind(db: sqlite3.Connection, unrecognised: Collection[str], now: float) -> Rewound:
    """`unrecognised`: channels that do not know a second delivery for the same. Ids are skipped
    besides, in each engine's own way.
    """
    set_meta(db, _REWOUND_AT, repr(now))
    db.execute("UPDATE registrations SET doubt = 1 WHERE state = 'waiting'")
    db.execute("DELETE FROM merges WHERE step = 'begun'")
    merges = db.execute(
        """UPDATE merges SET problem = coalesce(problem, ?), updated_at = ?
           WHERE step <> 'done'""",
        (_MERGE, now),
    ).rowcount
    mails = sum(_may_have_been_sent(db, channel, now) for channel in unrecognised)
    return Rewound(mails, merges)


def _may_have_been_sent(db: sqlite3.Connection, channel: str, now: float) -> int:
    return db.execute(
        f"""UPDATE deliveries SET outcome = 'failed', error_class = 'too_late', message = ?,
                   reason = NULL, next_attempt_at = NULL, waiting = NULL, kept_back = 0,
                   claimed_version = NULL, updated_at = ?
            WHERE channel = ? AND {IS_OPEN}""",  # noqa: S608
        (_MAIL, now, channel),
    ).rowcount


def skip_ids(db: sqlite3.Connection) -> None:
    """Of a file of SQLite."""
    numbered = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
    ).fetchall()
    for (name,) in numbered:
        found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).fetchone()
        db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        given = found[0] if found else 0
        db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, given + IDS))
