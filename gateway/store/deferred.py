"""Registrations that were answered 202: what is due, what is being tried, and how it ends."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.store.registrations import DAY

__all__ = [
    "Promise",
    "bring_forward",
    "claim",
    "end",
    "end_overdue",
    "orphans",
    "postpone",
    "put_back",
    "recover",
    "shift",
]

LONGEST_DELAY = 6 * 3600.0
"""Seconds. No Retry-After that we respect is longer."""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Promise:
    """A waiting registration whose turn it is. `tries` includes this one; `end_at` is Unix time.

    `doubt`: an earlier try may have been carried out, so Shopify is asked first.
    """

    id: str
    email_hash: bytes
    email_verified: bool
    tries: int
    doubt: bool
    end_at: float
    sealed: bytes | None


def claim(db: sqlite3.Connection, now: float, limit: int) -> list[Promise]:
    """What is due, in order of arrival. It is counted as tried first, so that a try that kills us
    counts.
    """
    rows = db.execute(
        """UPDATE registrations SET claimed = 1, tries = tries + 1, updated_at = ?1
           WHERE id IN (SELECT id FROM registrations
                        WHERE state = 'waiting' AND claimed = 0 AND next_try_at <= ?1
                        ORDER BY next_try_at, id LIMIT ?2)
           RETURNING *,
               (SELECT sealed FROM intents WHERE registration_id = registrations.id) AS sealed""",
        (now, limit),
    ).fetchall()
    claimed = [
        Promise(
            row["id"],
            row["email_hash"],
            bool(row["email_verified"]),
            row["tries"],
            bool(row["doubt"]),
            row["end_at"],
            row["sealed"],
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda promise: promise.id)


def postpone(db: sqlite3.Connection, promise: Promise, again_at: float, now: float) -> None:
    """A try failed for a passing reason; `promise.doubt` is what is known after it."""
    db.execute(
        """UPDATE registrations SET claimed = 0, doubt = ?, next_try_at = ?, updated_at = ?
           WHERE id = ? AND state = 'waiting'""",
        (promise.doubt, again_at, now, promise.id),
    )


def put_back(db: sqlite3.Connection, registration_id: str, now: float) -> None:
    """It was not tried after all."""
    db.execute(
        """UPDATE registrations SET claimed = 0, tries = tries - 1, updated_at = ?
           WHERE id = ? AND state = 'waiting' AND claimed = 1""",
        (now, registration_id),
    )


def end(db: sqlite3.Connection, ids: Iterable[str], problem: dict[str, Any], now: float) -> None:
    """Given up. What Shopify may have carried out keeps its intent until that is known."""
    text = orjson.dumps(problem).decode()
    for registration_id in ids:
        db.execute(
            """UPDATE registrations SET problem = ?, claimed = 0, updated_at = ?,
                      state = iif(doubt, 'unclear', 'rejected')
               WHERE id = ? AND state = 'waiting'""",
            (text, now, registration_id),
        )
        db.execute(
            """DELETE FROM intents WHERE registration_id =
                   (SELECT id FROM registrations WHERE id = ? AND state = 'rejected')""",
            (registration_id,),
        )


def end_overdue(
    db: sqlite3.Connection, problem: dict[str, Any], now: float, only: str | None = None
) -> list[str]:
    """Gives up a page of those whose time is over and that nobody is trying; returns their ids."""
    rows = db.execute(
        """SELECT id FROM registrations
           WHERE state = 'waiting' AND claimed = 0 AND end_at <= ?1 AND (?2 IS NULL OR id = ?2)
           LIMIT ?3""",
        (now, only, _PAGE),
    )
    ids = [row[0] for row in rows]
    end(db, ids, problem, now)
    return ids


def orphans(db: sqlite3.Connection, before: float) -> list[str]:
    """Those claimed before then. If nobody is trying them, the database failed midway."""
    rows = db.execute(
        """SELECT id FROM registrations
           WHERE state = 'waiting' AND claimed = 1 AND updated_at < ?""",
        (before,),
    )
    return [row[0] for row in rows]


def recover(db: sqlite3.Connection, ids: Iterable[str] | None, now: float) -> int:
    """Nobody is trying these any more (None: any, because a new owner begins): Shopify is asked
    first.

    If the clock was set back while no gateway ran, nothing is delayed by that.
    """
    if ids is not None:
        return sum(
            db.execute(
                """UPDATE registrations SET claimed = 0, doubt = 1, next_try_at = ?
                   WHERE id = ? AND state = 'waiting' AND claimed = 1""",
                (now, registration_id),
            ).rowcount
            for registration_id in ids
        )
    db.execute(
        """UPDATE registrations SET next_try_at = min(next_try_at, ?1), end_at = min(end_at, ?2)
           WHERE state = 'waiting' AND (next_try_at > ?1 OR end_at > ?2)""",
        (now + LONGEST_DELAY, now + DAY),
    )
    return db.execute(
        """UPDATE registrations SET claimed = 0, doubt = 1, next_try_at = ?
           WHERE state = 'waiting' AND claimed = 1""",
        (now,),
    ).rowcount


def bring_forward(db: sqlite3.Connection, now: float) -> bool:
    """Shopify works again: all become due, in order of arrival. Changes a page of them; returns
    whether there was one.

    Those that failed often wait longer, although they came first: so all get the same time.
    """
    return any(
        db.execute(
            f"""UPDATE registrations SET next_try_at = ?1
                WHERE id IN (SELECT id FROM registrations
                             WHERE state = 'waiting' AND next_try_at {side} ?1 LIMIT ?2)""",  # noqa: S608
            (now, _PAGE),
        ).rowcount
        for side in "<>"
    )


def shift(db: sqlite3.Connection, seconds: float) -> int:
    """The wall clock was set: what waits keeps its real delay and its real end."""
    return db.execute(
        """UPDATE registrations SET next_try_at = next_try_at + ?1, end_at = end_at + ?1,
                  updated_at = updated_at + ?1
           WHERE state = 'waiting'""",
        (seconds,),
    ).rowcount
