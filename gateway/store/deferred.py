"""Registrations that were answered 202: what is due, what is being tried, and how it ends."""

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from gateway import frozen
from gateway.store.paging import PAGE
from gateway.store.registrations import DAY

__all__ = [
    "DeferredRegistration",
    "Shift",
    "bring_forward",
    "claim",
    "end",
    "end_overdue",
    "orphans",
    "postpone",
    "put_back",
    "recover",
    "shift",
    "take_over",
]

LONGEST_DELAY = 6 * 3600.0
"""No Retry-After that is honoured is longer."""
_WAITING = "state = 'waiting'"
_WAITS = f"WHERE {_WAITING}"
_CLAIMED = f"INDEXED BY registrations_claimed WHERE {_WAITING} AND claimed = 1"


@frozen
class DeferredRegistration:
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
    request_id: str | None = None


def claim(db: sqlite3.Connection, now: float, limit: int) -> list[DeferredRegistration]:
    """What is due, in order of arrival. It is counted as tried first, so that a try that kills us
    counts.
    """
    rows = db.execute(
        """UPDATE registrations SET claimed = 1, tries = tries + 1, updated_at = ?1
           WHERE id IN (SELECT id FROM registrations
                        WHERE state = 'waiting' AND claimed = 0 AND next_try_at <= ?1
                        ORDER BY next_try_at, id LIMIT ?2)
           RETURNING id, email_hash, email_verified, tries, doubt, end_at, request_id,
               (SELECT sealed FROM intents WHERE registration_id = registrations.id) AS sealed""",
        (now, limit),
    ).fetchall()
    claimed = [
        DeferredRegistration(
            row["id"],
            row["email_hash"],
            bool(row["email_verified"]),
            row["tries"],
            bool(row["doubt"]),
            row["end_at"],
            row["sealed"],
            row["request_id"],
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda row: row.id)


def postpone(
    db: sqlite3.Connection, row: DeferredRegistration, again_at: float, now: float
) -> None:
    """A try failed for a passing reason; `row.doubt` is what is known after it."""
    db.execute(
        """UPDATE registrations SET claimed = 0, doubt = ?, next_try_at = ?, updated_at = ?
           WHERE id = ? AND state = 'waiting'""",
        (row.doubt, again_at, now, row.id),
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
                      state = CASE WHEN doubt = 1 THEN 'unclear' ELSE 'rejected' END
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
    """Give up a page of those whose time is over and whom nobody is trying; their ids."""
    one = "" if only is None else "AND id = ?"
    rows = db.execute(
        f"""SELECT id FROM registrations
            WHERE state = 'waiting' AND claimed = 0 AND end_at <= ? {one} LIMIT ?""",  # noqa: S608
        (now, PAGE) if only is None else (now, only, PAGE),
    )
    ids = [row[0] for row in rows]
    end(db, ids, problem, now)
    return ids


def orphans(db: sqlite3.Connection, before: float) -> list[str]:
    """Those claimed before then. If nobody is trying them, the database failed midway."""
    rows = db.execute(
        """SELECT id FROM registrations INDEXED BY registrations_claimed
           WHERE state = 'waiting' AND claimed = 1 AND updated_at < ? ORDER BY id""",
        (before,),
    )
    return [row[0] for row in rows]


def recover(db: sqlite3.Connection, ids: Iterable[str], now: float) -> int:
    """Nobody is at these any more: Shopify is asked first."""
    return sum(
        db.execute(
            """UPDATE registrations SET claimed = 0, doubt = 1, next_try_at = ?
               WHERE id = ? AND state = 'waiting' AND claimed = 1""",
            (now, registration_id),
        ).rowcount
        for registration_id in ids
    )


def take_over(db: sqlite3.Connection, now: float) -> int:
    """A new owner begins: nobody is at any. A clock that was set back while nobody looked puts
    nothing off. A page of those that are to be changed; how many it were.
    """
    return sum(
        db.execute(
            f"""UPDATE registrations SET {change}
                WHERE id IN (SELECT id FROM registrations {which} LIMIT ?2)""",  # noqa: S608
            (value, PAGE),
        ).rowcount
        for change, which, value in (
            ("claimed = 0, doubt = 1, next_try_at = ?1", _CLAIMED, now),
            ("next_try_at = ?1", f"{_WAITS} AND next_try_at > ?1", now + LONGEST_DELAY),
            ("end_at = ?1", f"{_WAITS} AND end_at > ?1", now + DAY),
        )
    )


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
            (now, PAGE),
        ).rowcount
        for side in "<>"
    )


@frozen
class Shift:
    """What waits is being moved by so many `seconds`, since the wall clock jumped; `place`: the
    end and id of the last that was.
    """

    seconds: float
    place: tuple[float, str]

    @classmethod
    def by(cls, seconds: float, now: float) -> "Shift":
        """`now` is by the new clock. Forward, an end tells whether it was promised by the old one:
        by the new one it is a day from now.
        """
        return cls(seconds, (now + DAY - seconds / 2 if seconds > 0 else -math.inf, ""))


def shift(db: sqlite3.Connection, by: Shift) -> Shift | None:
    """The wall clock jumped: what waits keeps its real delay and its real end. A page of it, and
    how it goes on; None after the last. Whoever is moved is moved behind the place, not before it.
    """
    side, way = ("<", "DESC") if by.seconds > 0 else (">", "ASC")
    rows = db.execute(
        f"""SELECT end_at, id FROM registrations
            WHERE {_WAITING} AND (end_at, id) {side} (?, ?)
            ORDER BY end_at {way}, id {way} LIMIT ?""",  # noqa: S608
        (*by.place, PAGE),
    ).fetchall()
    db.executemany(
        """UPDATE registrations SET next_try_at = next_try_at + ?1, end_at = end_at + ?1,
                  updated_at = updated_at + ?1
           WHERE id = ?2 AND state = 'waiting'""",
        [(by.seconds, row["id"]) for row in rows],
    )
    return replace(by, place=(rows[-1]["end_at"], rows[-1]["id"])) if rows else None
