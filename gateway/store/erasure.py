"""Queries on a customer who leaves, and on one who was merged into another."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from gateway.store import actions, personal
from gateway.store.outbox.queries import IS_OPEN, open_of
from gateway.store.points import orders, reservation_steps

__all__ = [
    "GONE",
    "discard_open",
    "given_up",
    "in_doubt",
    "is_under_way",
    "move_deliveries",
    "move_evidence",
    "move_link",
    "removals_open",
    "replaces",
    "wipe",
    "wipe_shop",
]

GONE = "the customer is gone from Shopify"
"""Why a delivery was discarded, if no person decided it."""


def is_under_way(db: sqlite3.Connection, customer_ids: Iterable[int]) -> bool:
    """Whether an attempt at one of their deliveries has begun and not ended."""
    return any(d.claimed_version is not None for d in open_of(db, customer_ids).values())


def discard_open(db: sqlite3.Connection, customer_id: int, now: float) -> None:
    """Discards the open deliveries of a customer who is gone; removals stay."""
    db.execute(
        f"""UPDATE deliveries SET outcome = 'discarded', message = ?, error_class = NULL,
                   next_attempt_at = NULL, waiting = NULL, updated_at = ?
            WHERE customer_id = ? AND {IS_OPEN} AND kind <> 'removal'""",  # noqa: S608
        (GONE, now, customer_id),
    )


def removals_open(db: sqlite3.Connection, customer_id: int) -> set[str]:
    """The channels that still have a record of a customer who is gone."""
    found = open_of(db, [customer_id])
    return {channel for (_, channel), d in found.items() if d.kind.removes}


def given_up(db: sqlite3.Connection, customer_id: int) -> set[str]:
    """The channels whose removal a person discarded: what they have of the customer stays."""
    rows = db.execute(
        """SELECT channel FROM deliveries
           WHERE customer_id = ? AND kind = 'removal' AND outcome = 'discarded'""",
        (customer_id,),
    )
    return {row[0] for row in rows}


def in_doubt(
    db: sqlite3.Connection, customer_id: int, channels: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Those of the channels that were tried in vain, and that no removal has asked: a record may be
    there whose making was never heard of. With what was planned there. What was owed since and
    never tried says nothing.
    """
    rows = db.execute(
        """SELECT channel, plan FROM deliveries
           WHERE id IN (SELECT max(id) FROM deliveries
                        WHERE customer_id = ?1 AND (attempts > 0 OR kind = 'removal')
                        GROUP BY channel)
                 AND kind <> 'removal' AND outcome <> 'delivered'
                 AND channel NOT IN (SELECT channel FROM links WHERE customer_id = ?1)""",
        (customer_id,),
    )
    return {each: orjson.loads(plan) if plan else {} for each, plan in rows if each in channels}


def move_link(
    db: sqlite3.Connection,
    channel: str,
    gone: int,
    kept: int,
    fingerprints: Mapping[str, str] | None,
    now: float,
) -> None:
    """Moves the link to the survivor, who must not have one; `fingerprints` are its own from now
    on.
    """
    db.execute(
        """UPDATE links SET customer_id = ?, fingerprints = ?, updated_at = ?
           WHERE channel = ? AND customer_id = ?""",
        (
            kept,
            None if fingerprints is None else orjson.dumps(fingerprints).decode(),
            now,
            channel,
            gone,
        ),
    )


def move_evidence(db: sqlite3.Connection, gone: int, kept: int) -> None:
    """What they said, beside the store member that is the survivor's now."""
    db.execute(
        """DELETE FROM signup_evidence WHERE customer_id = ?1
               AND EXISTS (SELECT 1 FROM signup_evidence WHERE customer_id = ?2 AND ?1 <> ?2)""",
        (kept, gone),
    )
    db.execute("UPDATE signup_evidence SET customer_id = ? WHERE customer_id = ?", (kept, gone))
    db.execute("UPDATE duplicate_queue SET customer_id = ? WHERE customer_id = ?", (kept, gone))


def move_deliveries(
    db: sqlite3.Connection, gone: int, kept: int, settled: Iterable[str], message: str, now: float
) -> None:
    """Open deliveries of the merged customer are opened for the survivor, unless they exist there.

    `settled` are channels that need none. Deliveries that were discarded because the customer was
    gone from Shopify are opened again: now it is known that they were merged. Of the removals only
    those stay that look for a record which nobody ever heard of: what is linked goes to the
    survivor, or gets a removal anew.
    """
    taken = {*settled, *(channel for _, channel in open_of(db, [kept]))}
    db.execute(
        """UPDATE deliveries SET outcome = 'pending', message = NULL, updated_at = ?1
           WHERE customer_id = ?2 AND outcome = 'discarded' AND message = ?3
                 AND kind <> 'removal'
                 AND id IN (SELECT max(id) FROM deliveries WHERE customer_id = ?2
                            GROUP BY channel)""",
        (now, gone, GONE),
    )
    linked = _linked(db, gone)
    for (_, channel), delivery in open_of(db, [gone]).items():
        if delivery.kind.removes and channel not in linked:
            continue
        if channel in taken or delivery.kind.removes:
            db.execute(
                """UPDATE deliveries SET outcome = 'discarded', message = ?, next_attempt_at = NULL,
                          waiting = NULL, updated_at = ? WHERE id = ?""",
                (message, now, delivery.id),
            )
        else:
            db.execute(
                "UPDATE deliveries SET customer_id = ?, kept_back = 0 WHERE id = ?",
                (kept, delivery.id),
            )
    db.execute("UPDATE registrations SET customer_id = ? WHERE customer_id = ?", (kept, gone))
    orders.move_customer(db, gone, kept)
    reservation_steps.move_customer(db, gone, kept, now)


def _linked(db: sqlite3.Connection, customer_id: int) -> set[str]:
    rows = db.execute("SELECT channel FROM links WHERE customer_id = ?", (customer_id,))
    return {row[0] for row in rows}


def replaces(db: sqlite3.Connection, delivery_id: int, gone: int) -> None:
    """The delivery's plan says whose number the record still carries."""
    row = db.execute("SELECT plan FROM deliveries WHERE id = ?", (delivery_id,)).fetchone()
    plan = orjson.loads(row["plan"]) if row["plan"] else {}
    plan["was"] = [*plan.get("was", []), gone]
    db.execute(
        "UPDATE deliveries SET plan = ? WHERE id = ?", (orjson.dumps(plan).decode(), delivery_id)
    )


def wipe(db: sqlite3.Connection, customer_id: int) -> None:
    """Deletes everything stored about a customer, by id, hash or outcome."""
    theirs = personal.Traces(customers=frozenset({customer_id}))
    personal.wipe(db, personal.traces(db, theirs))


def wipe_shop(db: sqlite3.Connection) -> None:
    """Deletes everything stored about any customer; the index of members stays."""
    for table in (
        *(
            "intents",
            "idempotency_keys",
            "registrations",
            "deliveries",
            "links",
            "kept_apart",
            "signup_evidence",
        ),
        *("duplicates", "merges", "duplicate_queue", "proofs", "removals"),
    ):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    orders.forget_all(db)
    actions.forget(db)
