"""Queries on which shop, contract and account it is, and what is forgotten if that changes."""

import sqlite3
from collections.abc import Iterable

from gateway.outcomes import Identity
from gateway.store.outbox.queries import IS_OPEN
from gateway.store.points import orders

__all__ = [
    "all_of",
    "forget_channel",
    "forget_members",
    "forget_shop",
    "get",
    "merges_open",
    "pin",
]


def get(db: sqlite3.Connection, system: str) -> Identity | None:
    """Which one it was at the first success, or which one a person has accepted."""
    row = db.execute(
        "SELECT id, place, label FROM identities WHERE system = ?", (system,)
    ).fetchone()
    return Identity(*row) if row else None


def all_of(db: sqlite3.Connection) -> dict[str, Identity]:
    rows = db.execute("SELECT system, id, place, label FROM identities")
    return {row[0]: Identity(*row[1:]) for row in rows}


def pin(db: sqlite3.Connection, system: str, identity: Identity, now: float) -> None:
    """From now on it is this one."""
    db.execute(
        """INSERT INTO identities (system, id, place, label, since) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (system) DO UPDATE SET id = excluded.id, place = excluded.place,
               label = excluded.label, since = excluded.since""",
        (system, identity.id, identity.place, identity.label, now),
    )


def merges_open(db: sqlite3.Connection) -> int:
    """Merges of two members that have begun and not ended."""
    found: int = db.execute("SELECT count(*) FROM merges WHERE step <> 'done'").fetchone()[0]
    return found


def forget_shop(db: sqlite3.Connection, now: float) -> None:
    """Forgets the old shop's customers; their records in the channels stay as they are.

    Sign-ups that were answered 202, or whose result is unknown, go on with the new shop.
    """
    _give_up(db, "of the shop before `shop accept`", now)
    for table in (
        "links",
        "kept_apart",
        "signup_evidence",
        "proofs",
        "duplicates",
        "removals",
        "merges",
    ):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    db.execute("UPDATE duplicate_queue SET customer_id = NULL, evidence = NULL")
    ended = "SELECT id FROM registrations WHERE state IN ('accepted', 'rejected', 'replaced')"
    db.execute(f"DELETE FROM idempotency_keys WHERE registration_id IN ({ended})")  # noqa: S608
    db.execute(f"DELETE FROM registrations WHERE id IN ({ended})")  # noqa: S608
    _forget_events(db, "shopify", now)
    _forget_watermarks(db, ("reconciled_shopify", "reconciled_links"))
    orders.forget_all(db)


def forget_channel(db: sqlite3.Connection, channel: str, now: float) -> None:
    """Forgets the old account's records: none of the new one's is changed by them."""
    db.execute("DELETE FROM links WHERE channel = ?", (channel,))
    _give_up(db, "of the account before `shop accept`", now, channel=channel, kind="removal")
    db.execute(
        f"UPDATE deliveries SET plan = NULL WHERE channel = ? AND {IS_OPEN}",  # noqa: S608
        (channel,),
    )


def forget_members(db: sqlite3.Connection, now: float) -> None:
    """The store's members are those of another contract."""
    for table in (
        "members",
        "kept_apart",
        "signup_evidence",
        "duplicates",
        "merges",
        "duplicate_queue",
    ):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    db.execute("DELETE FROM meta WHERE key LIKE 'members\\_%' ESCAPE '\\'")
    _forget_events(db, "smaregi", now)
    _forget_watermarks(db, ("reconciled_smaregi", "reconciled_page"))
    orders.forget_all(db)


def _give_up(
    db: sqlite3.Connection, message: str, now: float, *, channel: str = "", kind: str = ""
) -> None:
    """Open deliveries, of one channel and kind where these are given."""
    db.execute(
        f"""UPDATE deliveries SET outcome = 'discarded', message = ?1, error_class = NULL,
                   next_attempt_at = NULL, waiting = NULL, updated_at = ?2
            WHERE {IS_OPEN} AND ?3 IN ('', channel) AND ?4 IN ('', kind)""",  # noqa: S608
        (message, now, channel, kind),
    )


def _forget_events(db: sqlite3.Connection, source: str, now: float) -> None:
    db.execute(
        """UPDATE events SET state = 'done', message = NULL, updated_at = ?
           WHERE source = ? AND state <> 'done'""",
        (now, source),
    )


def _forget_watermarks(db: sqlite3.Connection, names: Iterable[str]) -> None:
    db.executemany("DELETE FROM meta WHERE key = ?", [(name,) for name in names])
