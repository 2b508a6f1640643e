"""Every query on merges: two store members that a person makes one, step by step."""

import sqlite3
from dataclasses import fields, replace
from typing import Any

from gateway import frozen

__all__ = ["Merge", "forget", "get", "others", "unfinished", "write"]


@frozen
class Merge:
    """A row; the steps are explained in schema.sql. Times are Unix seconds.

    `balance_before` is that of the member whose points are moved, read right before.
    `customer_id`: whose link moves from the absorbed to the survivor.
    """

    survivor: int
    absorbed: int
    step: str
    customer_id: int | None = None
    points: int = 0
    balance_before: int = 0
    problem: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0

    def at(self, step: str, now: float, **changes: Any) -> "Merge":
        """The merge one step on."""
        return replace(self, step=step, updated_at=now, **changes)

    @property
    def pair(self) -> tuple[int, int]:
        return min(self.survivor, self.absorbed), max(self.survivor, self.absorbed)


_COLUMNS = tuple(each.name for each in fields(Merge))
_LISTED = ", ".join(_COLUMNS)
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)


def _row(row: sqlite3.Row) -> Merge:
    return Merge(**{name: row[name] for name in _COLUMNS})


def write(db: sqlite3.Connection, merge: Merge) -> None:
    """The merge as it stands now."""
    names = ", ".join(("low", "high", *_COLUMNS))
    placeholders = ", ".join("?" * (len(_COLUMNS) + 2))
    values = [getattr(merge, name) for name in _COLUMNS]
    db.execute(
        f"""INSERT INTO merges ({names}) VALUES ({placeholders})
            ON CONFLICT (low, high) DO UPDATE SET {_REPLACED}""",  # noqa: S608
        (*merge.pair, *values),
    )


def get(db: sqlite3.Connection, one: int, other: int) -> Merge | None:
    row = db.execute(
        f"SELECT {_LISTED} FROM merges WHERE low = ? AND high = ?",  # noqa: S608
        (min(one, other), max(one, other)),
    ).fetchone()
    return _row(row) if row else None


def forget(db: sqlite3.Connection, merge: Merge) -> None:
    """Nothing was sent: as if nobody had begun it."""
    db.execute("DELETE FROM merges WHERE low = ? AND high = ? AND step = 'begun'", merge.pair)


def unfinished(db: sqlite3.Connection) -> list[Merge]:
    """Merges whose points have begun to move and whose end has not come."""
    rows = db.execute(
        f"""SELECT {_LISTED} FROM merges
            WHERE step NOT IN ('begun', 'done') ORDER BY low, high"""  # noqa: S608
    )
    return [_row(row) for row in rows]


def others(db: sqlite3.Connection, one: int, other: int) -> list[Merge]:
    """Unfinished merges of either member with a third."""
    pair = (min(one, other), max(one, other))
    return [m for m in unfinished(db) if m.pair != pair and {one, other} & {*m.pair}]
