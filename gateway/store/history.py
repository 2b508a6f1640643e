"""How many sign-ups there were, what failed, and how long attempts took: by the hour."""

import sqlite3

from gateway import frozen

__all__ = ["Attempted", "attempts_page", "registrations"]

_HOUR = "CAST({0} AS BIGINT) - CASE WHEN CAST({0} AS BIGINT) > {0} THEN 1 ELSE 0 END"
"""Rounded down, whether a CAST cuts off or rounds."""
_PAGE = 5000
"""Attempts that one look passes: some milliseconds, then others have a turn."""


@frozen
class Attempted:
    """Attempts that began in one hour (Unix hours): how many, how many failed, seconds in all."""

    hour: int
    count: int
    failed: int
    seconds: float


def registrations(db: sqlite3.Connection, first: str, last: str) -> dict[int, int]:
    """Accepted sign-ups of the ids from `first` to `last`, by the hour they came in.

    Ids begin with their time, and the table is kept in their order.
    """
    rows = db.execute(
        f"""SELECT {_HOUR.format("created_at / 3600")} AS hour, count(*) AS number
            FROM registrations WHERE id >= ? AND id < ? AND state = 'accepted'
            GROUP BY hour""",  # noqa: S608
        (first, last),
    )
    return {row["hour"]: row["number"] for row in rows}


def attempts_page(
    db: sqlite3.Connection, before: int | None, since: float
) -> tuple[list[Attempted], int | None]:
    """The newest behind the id `before`, and the id to go on before; None once `since` is reached.

    What waited untried has no attempt, and an attempt that says nothing of a failure counts as one
    only where it has an error class.
    """
    end = db.execute(
        """SELECT min(id) AS low, min(started_at) AS began, count(*) AS number FROM (
               SELECT id, started_at FROM attempts WHERE id < ? ORDER BY id DESC LIMIT ?)
           AS page""",
        (1 << 62 if before is None else before, _PAGE),
    ).fetchone()
    if not end["number"]:
        return [], None
    rows = db.execute(
        f"""SELECT {_HOUR.format("started_at / 3600")} AS hour, count(*) AS number,
                   count(error_class) AS failed, sum(duration) AS seconds
            FROM attempts WHERE id >= ? AND id < ? AND started_at >= ? GROUP BY hour""",  # noqa: S608
        (end["low"], 1 << 62 if before is None else before, since),
    )
    found = [Attempted(row["hour"], row["number"], row["failed"], row["seconds"]) for row in rows]
    more = end["number"] == _PAGE and end["began"] >= since
    return found, end["low"] if more else None
