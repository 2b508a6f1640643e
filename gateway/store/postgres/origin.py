"""Whether the database is the one that was written to last, or an older state of it.

A gateway that runs knows by its lanes what it has committed (`lane.py`). At a start nobody knows;
but most of what puts a database back to an older state leaves marks, which are compared with those
that were written down while a gateway was active:

    restored from a dump    its tables were made anew, perhaps in another cluster
    recovered to a moment   a later timeline
    a replica was promoted  a later timeline; nothing is lost where it replicated synchronously

A copy of the server's files that is started as it is has none: a person has to say so.
"""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from gateway import frozen
from gateway.store.members import get_meta, set_meta
from gateway.store.rewinding import PROMOTED, RESTORED

__all__ = ["forget", "note", "put_back"]

_KEY = "database_origin"


@frozen
class _Origin:
    """`synchronous`: whether a commit waits for a second server."""

    system: str
    timeline: str
    relation: str
    synchronous: bool


def note(db: sqlite3.Connection, lost: str | None = None) -> None:
    """Write down how it is now, or that it has `lost` something."""
    was, now = get_meta(db, _KEY), lost or json.dumps(asdict(_current(db)))
    if was != now and (lost or was is None or was.startswith("{")):
        set_meta(db, _KEY, now)


def forget(db: sqlite3.Connection) -> None:
    """What it was before counts no longer: how it is now is written down at once."""
    db.execute("DELETE FROM meta WHERE key = ?", (_KEY,))
    note(db)


def put_back(db: sqlite3.Connection) -> str | None:
    """Why it may hold less than was committed to it; None where it does not, or is new."""
    known = get_meta(db, _KEY)
    if known is None:
        return None
    if not known.startswith("{"):
        return known
    before, now = _Origin(**json.loads(known)), _current(db)
    if (before.system, before.relation) != (now.system, now.relation):
        return RESTORED
    return None if before.synchronous or before.timeline == now.timeline else PROMOTED


def _current(db: sqlite3.Connection) -> _Origin:
    """The timeline is the first part of the name of the log's file."""
    row: Any = db.execute(
        """SELECT (SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()) AS system,
                  left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
                  CAST(CAST(to_regclass('meta') AS OID) AS TEXT) AS relation,
                  current_setting('synchronous_standby_names') <> ''
                      AND current_setting('synchronous_commit') IN
                          ('on', 'remote_write', 'remote_apply') AS synchronous"""
    ).fetchone()
    return _Origin(row["system"], row["timeline"], row["relation"], row["synchronous"])
