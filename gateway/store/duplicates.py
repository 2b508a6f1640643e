"""Every query on possible duplicates: pairs of member ids, with codes and nothing readable."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Literal

import orjson

from gateway import frozen
from gateway.store.paging import PAGE

__all__ = [
    "Pair",
    "State",
    "add_bare",
    "add_merged",
    "find",
    "forget",
    "forget_gone",
    "get",
    "of_member",
    "set_state",
    "upsert",
]

_COLUMNS = "low_id, high_id, state, reasons, score, found_at, updated_at"

_MERGED = "merged_online"
"""As `duplicates.Reason` has it."""

State = Literal["open", "rejected", "merged"]


@frozen
class Pair:
    """Two members that may be one person. Times are Unix seconds; `reasons` are codes."""

    low_id: int
    high_id: int
    state: State
    reasons: tuple[str, ...]
    score: int
    found_at: float
    updated_at: float

    def other(self, member_id: int) -> int:
        return self.high_id if member_id == self.low_id else self.low_id


def _pair(row: sqlite3.Row) -> Pair:
    return Pair(
        row["low_id"],
        row["high_id"],
        row["state"],
        tuple(orjson.loads(row["reasons"])),
        row["score"],
        row["found_at"],
        row["updated_at"],
    )


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def upsert(
    db: sqlite3.Connection,
    one: int,
    other: int,
    reasons: Sequence[str],
    score: int,
    now: float,
) -> bool:
    """Writes a pair down, or updates an open one. Returns whether it is new.

    A pair that a person rejected, or that was merged, stays as it is. A member that a person keeps
    apart from a customer is no duplicate of that customer's own member.
    """
    values = (*_ordered(one, other), orjson.dumps(list(reasons)).decode(), score, now)
    if _insert(db, values):
        return True
    db.execute(
        """UPDATE duplicates SET reasons = ?3, score = ?4, updated_at = ?5
           WHERE low_id = ?1 AND high_id = ?2 AND state = 'open'
             AND (reasons <> ?3 OR score <> ?4)""",
        values,
    )
    return False


def _insert(db: sqlite3.Connection, values: tuple[int, int, str, int, float]) -> bool:
    inserted = db.execute(
        """INSERT INTO duplicates (low_id, high_id, state, reasons, score, found_at, updated_at)
           SELECT ?1, ?2, 'open', ?3, ?4, ?5, ?5 WHERE NOT EXISTS (
               SELECT 1 FROM kept_apart JOIN links USING (customer_id)
               WHERE channel = 'smaregi' AND member_id IN (?1, ?2)
                 AND reference IN (CAST(?1 AS TEXT), CAST(?2 AS TEXT)))
           ON CONFLICT (low_id, high_id) DO NOTHING""",
        values,
    )
    return bool(inserted.rowcount)


def add_bare(db: sqlite3.Connection, member_id: int, others: Iterable[int], now: float) -> None:
    """A sign-up chose `member_id` among members of one e-mail: the pairs, not yet judged. What is
    known of one already stays.
    """
    for other in others:
        if other != member_id:
            _insert(db, (*_ordered(member_id, other), "[]", 0, now))


def add_merged(db: sqlite3.Connection, member_id: int, others: Iterable[int], now: float) -> None:
    """The online customers of these became one: the pairs, judged only by that yet."""
    for other in others:
        pair = get(db, member_id, other)
        reasons = dict.fromkeys([*(pair.reasons if pair else ()), _MERGED])
        upsert(db, member_id, other, [*reasons], pair.score if pair else 0, now)


def get(db: sqlite3.Connection, one: int, other: int) -> Pair | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM duplicates WHERE low_id = ? AND high_id = ?",  # noqa: S608
        _ordered(one, other),
    ).fetchone()
    return _pair(row) if row else None


def of_member(db: sqlite3.Connection, member_id: int) -> list[Pair]:
    rows = db.execute(
        f"""SELECT {_COLUMNS} FROM duplicates WHERE low_id = ?1
            UNION ALL SELECT {_COLUMNS} FROM duplicates WHERE high_id = ?1
            ORDER BY low_id, high_id""",  # noqa: S608
        (member_id,),
    )
    return [_pair(row) for row in rows]


def find(
    db: sqlite3.Connection,
    *,
    limit: int,
    every_state: bool = False,
    min_score: int | None = None,
    after: tuple[int, int, int] | None = None,
) -> list[Pair]:
    """The likeliest first; `after` is (score, low id, high id) of the last of the page before."""
    where, values = ["TRUE" if every_state else "state = 'open'"], list[int]()
    if min_score is not None:
        where.append("score >= ?")
        values.append(min_score)
    if after is not None:
        where.append("(-score, low_id, high_id) > (?, ?, ?)")
        values += [-after[0], *after[1:]]
    rows = db.execute(
        f"""SELECT {_COLUMNS} FROM duplicates WHERE {" AND ".join(where)}
            ORDER BY score DESC, low_id, high_id LIMIT ?""",  # noqa: S608
        (*values, limit),
    )
    return [_pair(row) for row in rows]


def set_state(db: sqlite3.Connection, one: int, other: int, state: State, now: float) -> bool:
    """Writes a person's decision. Returns whether the pair is known."""
    return bool(
        db.execute(
            "UPDATE duplicates SET state = ?, updated_at = ? WHERE low_id = ? AND high_id = ?",
            (state, now, *_ordered(one, other)),
        ).rowcount
    )


def forget(db: sqlite3.Connection, pair: Pair) -> None:
    """Removes an open pair that no longer matches."""
    db.execute(
        "DELETE FROM duplicates WHERE low_id = ? AND high_id = ? AND state = 'open'",
        (pair.low_id, pair.high_id),
    )


def forget_gone(
    db: sqlite3.Connection, after: tuple[int, int], before: float
) -> tuple[int, tuple[int, int] | None]:
    """Pairs of members that the store does not have any more, if older than `before`. A page of all
    pairs, behind `after`.

    A member of a moment ago is not yet in the index.
    """
    rows = db.execute(
        """SELECT low_id, high_id, updated_at FROM duplicates WHERE (low_id, high_id) > (?, ?)
           ORDER BY low_id, high_id LIMIT ?""",
        (*after, PAGE),
    ).fetchall()
    gone = db.executemany(
        """DELETE FROM duplicates WHERE low_id = ?1 AND high_id = ?2 AND EXISTS (
               SELECT 1 FROM (SELECT ?1 AS id UNION ALL SELECT ?2) AS one
               WHERE NOT EXISTS (SELECT 1 FROM members WHERE member_id = one.id))""",
        [(row["low_id"], row["high_id"]) for row in rows if row["updated_at"] < before],
    ).rowcount
    return max(0, gone), (rows[-1]["low_id"], rows[-1]["high_id"]) if rows else None
