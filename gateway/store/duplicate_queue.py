"""Which members are still to be looked at for duplicates.

A changed member is written down here in the transaction that changes its row, a linked one in the
transaction that links it: so a process that dies leaves none of them out.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from gateway.outcomes import Match
from gateway.store import duplicates, signup_evidence
from gateway.store.members import AMONG, SHARED_BY, get_meta, set_meta
from gateway.store.outbox.write import values

__all__ = [
    "Linked",
    "add",
    "add_all_linked",
    "all_linked_done",
    "clear_evidence",
    "done",
    "evidence_of",
    "is_through",
    "is_waiting",
    "linked",
    "linked_done",
    "linked_now",
    "next_changed",
    "next_linked",
    "unknown",
    "waiting",
]

_SYSTEM = "smaregi"
_CURSOR = "duplicates_cursor"
_UNKNOWN = """(customer_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM members WHERE members.member_id = duplicate_queue.member_id))"""


def add(db: sqlite3.Connection, member_ids: Iterable[int]) -> None:
    """These changed: to be looked at."""
    db.execute(
        """INSERT INTO duplicate_queue (member_id)
           SELECT CAST(one.value AS BIGINT) FROM json_each(CAST(? AS TEXT)) AS one WHERE TRUE
           ON CONFLICT (member_id) DO NOTHING""",
        (orjson.dumps([*member_ids]).decode(),),
    )


Linked = tuple[int, int, Match]
"""A customer, the member that their sign-up made or chose, and how that was found."""


def linked_now(db: sqlite3.Connection, linked: Sequence[Linked], now: float) -> None:
    """These members were linked: one statement, since a customer waits for it."""
    rows: list[Any] = []
    for customer_id, member_id, match in linked:
        told = match.signup_evidence
        rows += (member_id, customer_id, signup_evidence.packed(told) if told else None)
    db.execute(_linked_sql(len(linked)), rows)
    for _, member_id, match in linked:
        if match.merged:
            duplicates.add_merged(db, member_id, match.others, now)
        elif len(match.others) <= SHARED_BY:
            duplicates.add_bare(db, member_id, match.others, now)


@lru_cache(maxsize=64)
def _linked_sql(rows: int) -> str:
    return f"""INSERT INTO duplicate_queue (member_id, customer_id, evidence)
        VALUES {values(3, rows)}
        ON CONFLICT (member_id) DO UPDATE SET
            customer_id = excluded.customer_id, evidence = excluded.evidence"""  # noqa: S608


def evidence_of(
    db: sqlite3.Connection, member_ids: Sequence[int]
) -> dict[int, tuple[int, dict[str, bytes | None]]]:
    """Member id -> their customer, and what they told that is not where it is searched yet."""
    rows = db.execute(
        f"""SELECT member_id, customer_id, evidence FROM duplicate_queue
            WHERE {AMONG} AND evidence IS NOT NULL""",  # noqa: S608
        (orjson.dumps(member_ids).decode(),),
    )
    return {row[0]: (row[1], signup_evidence.unpacked(row[2])) for row in rows}


def clear_evidence(db: sqlite3.Connection) -> None:
    """What customers told must be read again: the index has other keys now."""
    db.execute(
        """INSERT INTO signup_evidence (customer_id)
           SELECT customer_id FROM duplicate_queue WHERE evidence IS NOT NULL
           ON CONFLICT (customer_id) DO NOTHING"""
    )
    db.execute("UPDATE duplicate_queue SET evidence = NULL WHERE evidence IS NOT NULL")


def add_all_linked(db: sqlite3.Connection) -> None:
    """Everything was read again: all linked members are to be looked at."""
    set_meta(db, _CURSOR, "0")


def next_changed(db: sqlite3.Connection, limit: int) -> list[int]:
    """Of those that can be looked at; a linked one waits until the index has it."""
    rows = db.execute(
        f"SELECT member_id FROM duplicate_queue WHERE NOT {_UNKNOWN} ORDER BY member_id LIMIT ?",  # noqa: S608
        (limit,),
    )
    return [row[0] for row in rows]


def unknown(db: sqlite3.Connection) -> list[int]:
    """Linked members that are not in the index."""
    return [row[0] for row in db.execute(f"SELECT member_id FROM duplicate_queue WHERE {_UNKNOWN}")]  # noqa: S608


def next_linked(db: sqlite3.Connection, limit: int) -> list[int]:
    """The next linked members after a full scan; empty once all were looked at, or none is to be.

    Ids are ordered as text, as links hold them.
    """
    cursor = get_meta(db, _CURSOR)
    if not cursor:
        return []
    rows = db.execute(
        """SELECT DISTINCT reference FROM links WHERE channel = ? AND reference > ?
           ORDER BY reference LIMIT ?""",
        (_SYSTEM, cursor, limit),
    ).fetchall()
    return [int(row[0]) for row in rows]


def is_through(db: sqlite3.Connection) -> bool:
    """Whether all were looked at after a full scan, and that is not written down yet."""
    cursor = get_meta(db, _CURSOR)
    return bool(cursor) and not next_changed(db, 1) and not next_linked(db, 1)


def done(db: sqlite3.Connection, member_ids: Sequence[int]) -> None:
    """These changed and were looked at, or the store does not have them."""
    sql = f"DELETE FROM duplicate_queue WHERE {AMONG}"  # noqa: S608
    db.execute(sql, (orjson.dumps(member_ids).decode(),))


def linked_done(db: sqlite3.Connection, member_id: int) -> None:
    """The linked ones up to this were looked at."""
    set_meta(db, _CURSOR, str(member_id))


def all_linked_done(db: sqlite3.Connection) -> None:
    set_meta(db, _CURSOR, "")


def is_waiting(db: sqlite3.Connection) -> bool:
    """Whether anybody can be looked at now."""
    return bool(next_changed(db, 1) or get_meta(db, _CURSOR))


def waiting(db: sqlite3.Connection) -> int:
    """How many are still to be looked at, also those that the index does not have yet."""
    changed: int = db.execute("SELECT count(*) FROM duplicate_queue").fetchone()[0]
    cursor = get_meta(db, _CURSOR)
    if not cursor:
        return changed
    rest: int = db.execute(
        "SELECT count(*) FROM links WHERE channel = ? AND reference > ?", (_SYSTEM, cursor)
    ).fetchone()[0]
    return changed + rest


def linked(db: sqlite3.Connection, member_ids: Iterable[int]) -> dict[int, int]:
    """Member id -> customer id, of those that are linked to an online customer."""
    found = {}
    for member_id in member_ids:
        row = db.execute(
            "SELECT customer_id FROM links WHERE channel = ? AND reference = ? LIMIT 1",
            (_SYSTEM, str(member_id)),
        ).fetchone()
        if row is not None:
            found[member_id] = row[0]
    return found
