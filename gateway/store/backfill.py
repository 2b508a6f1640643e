"""Queries of backfill: whom a channel has, who has an open delivery, how far a run has come."""

import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from gateway import frozen
from gateway.outcomes import Delivery, NewDelivery
from gateway.store import members, outbox
from gateway.store.outbox.queries import COLUMNS, IS_OPEN, Spot, open_end, row_to_delivery
from gateway.store.paging import PAGE

__all__ = [
    "BackfillCheckpoint",
    "Known",
    "checkpoint",
    "forget_checkpoint",
    "give_back",
    "known",
    "leftovers",
    "open_page",
]


@frozen
class Known:
    """Of a page's customers: who has a link, and who has an open delivery."""

    linked: frozenset[int]
    owed: frozenset[int]


@frozen
class BackfillCheckpoint:
    """How far a run has come: the cursor behind the last page that was opened (None at the
    start), how many customers that were, and when (Unix seconds).
    """

    after: str | None = None
    seen: int = 0
    at: float = 0.0


def known(
    db: sqlite3.Connection,
    channel: str,
    customer_ids: Sequence[int],
    registration_ids: Sequence[str],
) -> Known:
    """`registration_ids` are the `registration.id`s that Shopify has for these customers: a
    registration that is not finished will get its deliveries in a moment, by itself.
    """
    ids, registrations = _places(customer_ids), _places(registration_ids)
    linked = db.execute(
        f"SELECT customer_id FROM links WHERE channel = ? AND customer_id IN ({ids})",  # noqa: S608
        (channel, *customer_ids),
    )
    owed = db.execute(
        f"""SELECT customer_id FROM deliveries
            WHERE channel = ? AND customer_id IN ({ids}) AND {IS_OPEN}""",  # noqa: S608
        (channel, *customer_ids),
    )
    under_way = db.execute(
        f"""SELECT id FROM registrations
            WHERE id IN ({registrations}) AND state IN ('open', 'unclear')""",  # noqa: S608
        registration_ids,
    )
    busy = {row[0] for row in under_way}
    return Known(
        linked=frozenset(row[0] for row in linked),
        owed=frozenset(row[0] for row in owed)
        | {i for i, name in zip(customer_ids, registration_ids, strict=True) if name in busy},
    )


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def open_page(
    db: sqlite3.Connection,
    wanted: Iterable[tuple[int, NewDelivery]],
    now: float,
    until: float,
) -> list[Delivery]:
    """Owe to a page's customers, by id, what the run decided: pending or held.

    Until `until` (Unix seconds) the pending ones belong to the run that opens them. After that the
    worker takes them; the next owner of the file takes them at once.
    """
    opened = []
    for customer_id, new in wanted:
        opened += outbox.add(db, customer_id, None, [new], now)
    db.executemany(
        "UPDATE deliveries SET next_attempt_at = ? WHERE id = ? AND outcome = 'pending'",
        [(until, delivery.id) for delivery in opened],
    )
    return opened


def give_back(db: sqlite3.Connection, channel: str, now: float) -> bool:
    """No run is running: what a run had opened becomes due. Changes a page of it; returns whether
    there was one.
    """
    return bool(
        db.execute(
            f"""UPDATE deliveries SET next_attempt_at = ?2
                WHERE id IN (SELECT id FROM deliveries
                             WHERE channel = ?1 AND kept_back IN (0, 1)
                                   AND {IS_OPEN} AND outcome = 'pending'
                                   AND next_attempt_at > ?2 AND kind = 'backfill' LIMIT ?3)""",  # noqa: S608
            (channel, now, PAGE),
        ).rowcount
    )


def leftovers(
    db: sqlite3.Connection, channel: str, after: Spot, limit: int, now: float
) -> tuple[list[Delivery], Spot | None]:
    """What a run that has gone opened and did not get to: what is pending and nobody's any more,
    and what it put off through no fault of the customer's. Those of a page of all that is open,
    and where the next page begins; None after the last.
    """
    end = open_end(db, after)
    if end is None:
        return [], None
    rows = db.execute(
        f"""SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_open
            WHERE {IS_OPEN}
              AND (customer_id, channel) > (?, ?) AND (customer_id, channel) <= (?, ?)
              AND channel = ? AND kind = 'backfill'
              AND (outcome = 'pending' AND coalesce(next_attempt_at, 0) <= ?
                   OR outcome = 'retrying' AND waiting IS NOT NULL)
            ORDER BY customer_id, channel LIMIT ?""",  # noqa: S608
        (*after, *end, channel, now, limit),
    )
    left = [row_to_delivery(row) for row in rows]
    return left, (left[-1].customer_id, channel) if len(left) == limit else end


def checkpoint(
    db: sqlite3.Connection, key: str, made: BackfillCheckpoint | None = None
) -> BackfillCheckpoint:
    """The run's checkpoint, written first if one is given. None if it cannot be read."""
    if made is not None:
        members.set_meta(db, _name(key), orjson.dumps(made).decode())
        return made
    try:
        return BackfillCheckpoint(**orjson.loads(members.get_meta(db, _name(key)) or "{}"))
    except (ValueError, TypeError):
        return BackfillCheckpoint()


def forget_checkpoint(db: sqlite3.Connection, key: str) -> None:
    db.execute("DELETE FROM meta WHERE key = ?", (_name(key),))


def _name(key: str) -> str:
    return f"backfill {key}"
