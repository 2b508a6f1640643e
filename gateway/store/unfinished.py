"""What is under way about a person: until it has ended, wiping their rows would lose something."""

import sqlite3
from collections.abc import Collection, Iterator

from gateway import frozen
from gateway.store import erasure
from gateway.store.merges import unfinished
from gateway.store.personal import Traces

__all__ = ["Unfinished", "of_person"]


@frozen
class Unfinished:
    """`text` says what it is and, where it does not end within seconds, what ends it."""

    text: str
    ends_soon: bool = False


def of_person(
    db: sqlite3.Connection, person: Traces, blocking: Collection[str]
) -> list[Unfinished]:
    """`blocking`: topics of webhooks whose work needs the rows that would go."""
    return [
        *_sign_ups(db, person),
        *_attempts(db, person),
        *_webhooks(db, person, blocking),
        *_removals(db, person),
        *_merges(db, person),
    ]


def _sign_ups(db: sqlite3.Connection, person: Traces) -> Iterator[Unfinished]:
    """One that only waits for its turn is given up with the rest; Shopify cannot have it."""
    for each in sorted(person.registrations):
        row = db.execute(
            "SELECT state, claimed, doubt FROM registrations WHERE id = ?", (each,)
        ).fetchone()
        if row["state"] == "open" or (row["state"] == "waiting" and row["claimed"]):
            yield Unfinished(f"the sign-up {each} is under way", ends_soon=True)
        elif row["state"] == "unclear" or (row["state"] == "waiting" and row["doubt"]):
            yield Unfinished(
                f"it is not known yet whether Shopify has the customer of the sign-up {each}: "
                "`serve` asks Shopify until it is"
            )


def _attempts(db: sqlite3.Connection, person: Traces) -> Iterator[Unfinished]:
    if erasure.is_under_way(db, person.customers):
        yield Unfinished("an attempt to send them is under way", ends_soon=True)


def _webhooks(
    db: sqlite3.Connection, person: Traces, blocking: Collection[str]
) -> Iterator[Unfinished]:
    waiting = db.execute(
        "SELECT topic, customer_id, merged_id FROM events WHERE state = 'waiting' ORDER BY rowid"
    )
    for row in waiting:
        if row["topic"] in blocking and person.customers & {row["customer_id"], row["merged_id"]}:
            yield Unfinished(f"Shopify's `{row['topic']}` about them waits to be worked by `serve`")


def _removals(db: sqlite3.Connection, person: Traces) -> Iterator[Unfinished]:
    for customer_id in sorted(person.customers):
        held = db.execute(
            "SELECT 1 FROM removals WHERE customer_id = ? AND state = 'held'", (customer_id,)
        ).fetchone()
        if held:
            yield Unfinished(
                f"their removal from the other systems is held: `removals confirm --id "
                f"{customer_id}` or `removals drop --id {customer_id}` decides"
            )
        for channel in sorted(erasure.removals_open(db, customer_id)):
            yield Unfinished(
                f"the gateway is just taking their record out of {channel}: wait for that, or "
                f"give it up with `deliveries discard --customer {customer_id} --kind removal`"
            )


def _merges(db: sqlite3.Connection, person: Traces) -> Iterator[Unfinished]:
    for merge in unfinished(db):
        if merge.customer_id in person.customers or person.members & {*merge.pair}:
            yield Unfinished(
                "two store members are just being made one: `duplicates merge "
                f"{merge.pair[0]} {merge.pair[1]}` goes on with it"
            )
