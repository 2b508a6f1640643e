"""Open deliveries by their cause: what went wrong, in whose words, and how often."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from gateway import frozen
from gateway.errors import ErrorClass
from gateway.outcomes import Outcome
from gateway.store.outbox import IS_OPEN

__all__ = ["Cause", "page", "together"]

_PAGE = 5000
"""Rows that one look passes: some milliseconds, then others have a turn."""


@frozen
class Cause:
    """`count` open deliveries of one channel that stand alike for one reason.

    `reason`: the upstream's own, None where it gave none. `example`: the newest one, which says
    `message`. `oldest`: when the first of them was made, Unix seconds; `next_attempt_at` is the
    soonest.
    """

    channel: str
    outcome: Outcome
    error_class: ErrorClass | None
    reason: str | None
    count: int
    example: int
    message: str | None
    oldest: float
    next_attempt_at: float | None

    @property
    def key(self) -> tuple[str, ...]:
        return (self.channel, self.outcome, self.error_class or "", self.reason or "")


def page(db: sqlite3.Connection, after: int) -> tuple[list[Cause], int | None]:
    """The causes among the rows behind `after`, and the last of these; None if there is no more."""
    end = db.execute(
        """SELECT max(id), count(*)
           FROM (SELECT id FROM deliveries WHERE id > ? ORDER BY id LIMIT ?) AS page""",
        (after, _PAGE),
    ).fetchone()
    if end[0] is None:
        return [], None
    rows = db.execute(
        f"""SELECT cause.channel, cause.outcome, cause.error_class, cause.reason,
                   newest.message AS message, number, example, oldest, next_at
            FROM (SELECT channel, outcome, error_class, reason, count(*) AS number,
                         max(id) AS example, min(created_at) AS oldest,
                         min(next_attempt_at) AS next_at
                  FROM deliveries WHERE id > ? AND id <= ? AND {IS_OPEN}
                  GROUP BY channel, outcome, error_class, reason) AS cause
                 JOIN deliveries AS newest ON newest.id = cause.example""",  # noqa: S608
        (after, end[0]),
    )
    return [_cause(row) for row in rows], end[0] if end[1] == _PAGE else None


def _cause(row: sqlite3.Row) -> Cause:
    return Cause(
        channel=row["channel"],
        outcome=Outcome(row["outcome"]),
        error_class=ErrorClass(row["error_class"]) if row["error_class"] else None,
        reason=row["reason"],
        count=row["number"],
        example=row["example"],
        message=row["message"],
        oldest=row["oldest"],
        next_attempt_at=row["next_at"],
    )


def together(found: Iterable[Cause]) -> list[Cause]:
    """Those of several pages, which come in the order of their ids; the most frequent first."""
    merged: dict[tuple[str, ...], Cause] = {}
    for each in found:
        known = merged.get(each.key)
        merged[each.key] = _added(known, each) if known else each
    return sorted(merged.values(), key=lambda cause: (-cause.count, cause.key))


def _added(known: Cause, later: Cause) -> Cause:
    times = [at for at in (known.next_attempt_at, later.next_attempt_at) if at is not None]
    return replace(
        later,
        count=known.count + later.count,
        oldest=min(known.oldest, later.oldest),
        next_attempt_at=min(times, default=None),
    )
