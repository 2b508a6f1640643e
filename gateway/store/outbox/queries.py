"""Reading the outbox: single deliveries, lists by filter, and counts."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from gateway.errors import ErrorClass
from gateway.outcomes import (
    AUTOMATIC,
    OPEN,
    SETTLED,
    Delivery,
    DeliveryFilter,
    Kind,
    Outcome,
    Sort,
    Waiting,
)
from gateway.store.paging import PAGE

__all__ = [
    "AUTOMATIC_SQL",
    "COLUMNS",
    "FIRST",
    "IS_OPEN",
    "RETURNED",
    "SETTLED_SQL",
    "Spot",
    "any_of",
    "attempts_of",
    "find",
    "get",
    "ids",
    "last_attempt",
    "of_registration",
    "open_end",
    "open_of",
    "page",
    "page_end",
    "row_to_delivery",
]


def _listed(outcomes: Collection[Outcome]) -> str:
    return f"({', '.join(repr(str(each)) for each in Outcome if each in outcomes)})"


IS_OPEN = f"({' OR '.join(f'outcome = {str(each)!r}' for each in Outcome if each in OPEN)})"
"""As in the partial indexes, word for word: SQLite uses them for nothing else. Not `IN`, of whose
words it makes a table for each row that is written.
"""
AUTOMATIC_SQL = _listed(AUTOMATIC)
SETTLED_SQL = _listed(SETTLED)


_NAMES = tuple(field.name for field in fields(Delivery))
_MADE: Sequence[tuple[int, Callable[[Any], Any]]] = [
    (_NAMES.index("kind"), Kind),
    (_NAMES.index("outcome"), Outcome),
    (_NAMES.index("error_class"), ErrorClass),
    (_NAMES.index("waiting"), Waiting),
    (_NAMES.index("plan"), orjson.loads),
    (_NAMES.index("adjustments"), lambda text: tuple(orjson.loads(text))),
    (_NAMES.index("urgent"), bool),
]
COLUMNS = ", ".join(_NAMES)
"""What `row_to_delivery` reads."""
RETURNED = ", ".join(f"deliveries.{name}" for name in _NAMES)
"""The same where another table is beside."""


def row_to_delivery(row: sqlite3.Row) -> Delivery:
    """Of a row that begins with COLUMNS. By place: a name is looked for in every column."""
    values = list(row[: len(_NAMES)])
    for place, made in _MADE:
        if values[place] is not None:
            values[place] = made(values[place])
    return Delivery(*values)


def get(db: sqlite3.Connection, delivery_id: int) -> Delivery | None:
    row = db.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE id = ?",  # noqa: S608
        (delivery_id,),
    ).fetchone()
    return row_to_delivery(row) if row else None


def any_of(db: sqlite3.Connection, customer_id: int, channels: Sequence[str]) -> bool:
    """Whether the customer ever had a delivery to one of these channels, as far as is kept."""
    placeholders = ", ".join("?" * len(channels))
    sql = f"SELECT 1 FROM deliveries WHERE customer_id = ? AND channel IN ({placeholders}) LIMIT 1"  # noqa: S608
    return db.execute(sql, (customer_id, *channels)).fetchone() is not None


def of_registration(db: sqlite3.Connection, registration_id: str) -> list[Delivery]:
    """The deliveries that a registration's answer shows."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM deliveries WHERE registration_id = ? ORDER BY id",  # noqa: S608
        (registration_id,),
    )
    return [row_to_delivery(row) for row in rows]


def open_of(db: sqlite3.Connection, customer_ids: Iterable[int]) -> dict[tuple[int, str], Delivery]:
    """Open deliveries of these customers, by customer and channel."""
    found: dict[tuple[int, str], Delivery] = {}
    for customer_id in customer_ids:
        rows = db.execute(
            f"SELECT {COLUMNS} FROM deliveries WHERE customer_id = ? AND {IS_OPEN}",  # noqa: S608
            (customer_id,),
        )
        found |= {(customer_id, row["channel"]): row_to_delivery(row) for row in rows}
    return found


def attempts_of(db: sqlite3.Connection, delivery_id: int) -> list[dict[str, Any]]:
    rows = db.execute(
        """SELECT started_at, duration, outcome, error_class, message, reason, counted
           FROM attempts WHERE delivery_id = ? ORDER BY id""",
        (delivery_id,),
    )
    return [dict(row) for row in rows]


def find(
    db: sqlite3.Connection,
    chosen: DeliveryFilter,
    *,
    limit: int,
    after: int | None = None,
    until: int | None = None,
    oldest_first: bool = False,
    untouched_since: int | None = None,
) -> list[Delivery]:
    """Deliveries that the filter names; `after` is the last id of the page before, `until` the last
    that is looked at. Of a filter that few match `search.find` holds the database for less.

    `untouched_since`: only those without an attempt after this one (`last_attempt`).
    """
    where, values = _conditions(chosen)
    for bound, side in ((after, "<>"[oldest_first]), (until, "><"[oldest_first] + "=")):
        if bound is not None:
            where.append(f"id {side} ?")
            values.append(bound)
    if untouched_since is not None:
        where.append(
            "NOT EXISTS (SELECT 1 FROM attempts WHERE delivery_id = deliveries.id AND id > ?)"
        )
        values.append(untouched_since)
    order = "ASC" if oldest_first else "DESC"
    sql = f"""SELECT {COLUMNS} FROM deliveries
              WHERE {" AND ".join(where)} ORDER BY id {order} LIMIT ?"""  # noqa: S608
    return [row_to_delivery(row) for row in db.execute(sql, (*values, limit))]


_ORDER: Mapping[Sort, tuple[str, str]] = {
    Sort.NEXT: ("coalesce(next_attempt_at, 1e12)", "ASC"),
    Sort.TRIES: ("attempts", "DESC"),
}
"""By what, before the id, and in which direction; `store.search` goes by the id alone."""


def page(
    db: sqlite3.Connection, chosen: DeliveryFilter, sort: Sort, after: str | None, limit: int
) -> tuple[list[Delivery], str | None]:
    """A page ordered by what changes with each attempt, and where the next begins: None after the
    last. A row may come twice, or not at all. ValueError where `after` is no place.
    """
    where, values = _conditions(chosen)
    key, direction = _ORDER[sort]
    if after is not None:
        value, _, last = after.rpartition(":")
        beyond = ">" if direction == "ASC" else "<"
        where.append(f"({key}, id) {beyond} (?, ?)")
        values += [float(value or 0), int(last)]
    sql = f"""SELECT {COLUMNS}, {key} AS place FROM deliveries WHERE {" AND ".join(where)}
              ORDER BY {key} {direction}, id {direction} LIMIT ?"""  # noqa: S608
    rows = db.execute(sql, (*values, limit + 1)).fetchall()
    end = rows[limit - 1] if len(rows) > limit else None
    more = f"{end['place']}:{end['id']}" if end else None
    return [row_to_delivery(row) for row in rows[:limit]], more


Spot = tuple[int, str]
"""Of an open delivery among the open ones: its customer and channel, which stay as they are."""
FIRST: Spot = (0, "")


def open_end(db: sqlite3.Connection, after: Spot) -> Spot | None:
    """The last of a page of open deliveries behind `after`; None: no more."""
    row = db.execute(
        f"""SELECT customer_id, channel FROM (
                SELECT customer_id, channel FROM deliveries INDEXED BY deliveries_open
                WHERE {IS_OPEN} AND (customer_id, channel) > (?, ?)
                ORDER BY customer_id, channel LIMIT ?) AS page
            ORDER BY customer_id DESC, channel DESC LIMIT 1""",  # noqa: S608
        (*after, PAGE),
    ).fetchone()
    return (row[0], row[1]) if row else None


def page_end(
    db: sqlite3.Connection, after: int | None, size: int = 300, *, oldest_first: bool = True
) -> int | None:
    """The last id of so many behind `after`, whatever they are; None: no more."""
    where = "TRUE" if after is None else f"id {'<>'[oldest_first]} ?"
    last, way = ("max", "ASC") if oldest_first else ("min", "DESC")
    found: int | None = db.execute(
        f"""SELECT {last}(id)
            FROM (SELECT id FROM deliveries WHERE {where} ORDER BY id {way} LIMIT ?)
            AS page""",  # noqa: S608
        (size,) if after is None else (after, size),
    ).fetchone()[0]
    return found


def ids(db: sqlite3.Connection, chosen: DeliveryFilter, after: int, until: int) -> list[int]:
    """Of the deliveries that the filter names, behind `after`, up to `until`."""
    where, values = _conditions(chosen)
    sql = f"SELECT id FROM deliveries WHERE id > ? AND id <= ? AND {' AND '.join(where)}"  # noqa: S608
    return [row[0] for row in db.execute(sql, (after, until, *values))]


def last_attempt(db: sqlite3.Connection) -> int:
    """The newest attempt's id: a point in time that does not depend on the clock."""
    number: int = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()[0]
    return number


def _conditions(chosen: DeliveryFilter) -> tuple[list[str], list[Any]]:
    where: list[str] = ["TRUE"]
    values: list[Any] = []
    for column, wanted in (
        ("channel", chosen.channels),
        ("outcome", chosen.outcomes),
        ("error_class", chosen.error_classes),
        ("kind", chosen.kinds),
        ("id", chosen.ids),
    ):
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for clause, value in (
        ("created_at >= ?", chosen.since),
        ("created_at <= ?", chosen.until),
        ("customer_id = ?", chosen.customer_id),
        ("registration_id = ?", chosen.registration_id),
        ("coalesce(reason, '') = ?", chosen.reason),
    ):
        if value is not None:
            where.append(clause)
            values.append(value)
    return where, values
