"""Queries on links: which record of which system is which customer, and which must not be."""

import sqlite3
from collections.abc import Iterable, Mapping
from itertools import product

import orjson

from gateway.outcomes import Link
from gateway.store.outbox.queries import IS_OPEN, Spot, open_end

__all__ = [
    "apart",
    "customers_after",
    "forget_fingerprint",
    "get",
    "is_withheld",
    "keep_apart",
    "of_customers",
    "of_reference",
    "of_references",
    "planned",
    "refresh",
    "remove",
    "reunite",
    "set_fingerprints",
    "trust",
    "update_fingerprints",
]


_COLUMNS = """channel, customer_id, reference, member_number, fingerprints, old_number, old_place,
              unproven"""


def _row(row: sqlite3.Row) -> Link:
    return Link(
        channel=row["channel"],
        customer_id=row["customer_id"],
        reference=row["reference"],
        member_number=row["member_number"],
        fingerprints=orjson.loads(row["fingerprints"]) if row["fingerprints"] else None,
        old_number=row["old_number"],
        old_place=row["old_place"],
        unproven=row["unproven"],
    )


def get(db: sqlite3.Connection, channel: str, customer_id: int) -> Link | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM links WHERE channel = ? AND customer_id = ?",  # noqa: S608
        (channel, customer_id),
    ).fetchone()
    return _row(row) if row else None


def of_customers(
    db: sqlite3.Connection, channels: Iterable[str], customer_ids: Iterable[int]
) -> dict[tuple[int, str], Link]:
    """The links of these customers to these channels, by customer and channel."""
    pairs = product(customer_ids, channels)
    found = ((pair, get(db, pair[1], pair[0])) for pair in pairs)
    return {pair: link for pair, link in found if link is not None}


def set_fingerprints(
    db: sqlite3.Connection, channel: str, customer_id: int, fingerprints: Mapping[str, str]
) -> None:
    """Writes down what is about to be sent to the record; the rest of the link stays."""
    db.execute(
        "UPDATE links SET fingerprints = ? WHERE channel = ? AND customer_id = ?",
        (orjson.dumps(fingerprints).decode(), channel, customer_id),
    )


def refresh(db: sqlite3.Connection, link: Link, now: float) -> None:
    """Writes what an attempt knows of a linked record; one unlinked meanwhile stays unlinked."""
    db.execute(
        """UPDATE links SET
               member_number = coalesce(?4, member_number),
               fingerprints = coalesce(?5, fingerprints),
               old_number = coalesce(?6, old_number), old_place = coalesce(?7, old_place),
               updated_at = ?8
           WHERE channel = ?1 AND customer_id = ?2 AND reference = ?3""",
        (
            link.channel,
            link.customer_id,
            link.reference,
            link.member_number,
            None if link.fingerprints is None else orjson.dumps(link.fingerprints).decode(),
            link.old_number,
            link.old_place,
            now,
        ),
    )


def of_reference(db: sqlite3.Connection, channel: str, reference: str) -> Link | None:
    """The customer whose record this is."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM links WHERE channel = ? AND reference = ? LIMIT 1",  # noqa: S608
        (channel, reference),
    ).fetchone()
    return _row(row) if row else None


def of_references(db: sqlite3.Connection, channel: str, references: Iterable[str]) -> list[Link]:
    """The links to these records; records without a link are left out."""
    found = (of_reference(db, channel, reference) for reference in references)
    return [link for link in found if link is not None]


def customers_after(db: sqlite3.Connection, after: int, limit: int) -> list[int]:
    """Customers with a record in any channel, by id from above `after`."""
    rows = db.execute(
        "SELECT DISTINCT customer_id FROM links WHERE customer_id > ? ORDER BY customer_id LIMIT ?",
        (after, limit),
    )
    return [row[0] for row in rows]


def update_fingerprints(
    db: sqlite3.Connection, read: Link, fingerprints: Mapping[str, str]
) -> bool:
    """Changes some marks of a link; '' removes one. False if the link, or one of these marks, is no
    longer as it was `read`: an attempt wrote meanwhile.
    """
    now = get(db, read.channel, read.customer_id)
    if now is None or now.reference != read.reference:
        return False
    were, are = read.fingerprints or {}, now.fingerprints or {}
    if any(were.get(name) != are.get(name) for name in fingerprints):
        return False
    left = {
        name: fingerprint for name, fingerprint in {**are, **fingerprints}.items() if fingerprint
    }
    set_fingerprints(db, read.channel, read.customer_id, left)
    return True


def forget_fingerprint(db: sqlite3.Connection, link: Link, name: str) -> None:
    """Removes a mark."""
    now = get(db, link.channel, link.customer_id)
    if now is not None and now.fingerprints and name in now.fingerprints:
        left = {each: fingerprint for each, fingerprint in now.fingerprints.items() if each != name}
        set_fingerprints(db, link.channel, link.customer_id, left)


def remove(db: sqlite3.Connection, channel: str, customer_id: int, reference: str) -> bool:
    """Deletes the link of this record and customer."""
    return bool(
        db.execute(
            "DELETE FROM links WHERE channel = ? AND customer_id = ? AND reference = ?",
            (channel, customer_id, reference),
        ).rowcount
    )


def trust(db: sqlite3.Connection, customer_id: int, reference: str) -> bool:
    """A person says that this record is this customer. False if that was known already."""
    return bool(
        db.execute(
            """UPDATE links SET unproven = NULL
               WHERE customer_id = ? AND reference = ? AND unproven IS NOT NULL""",
            (customer_id, reference),
        ).rowcount
    )


def is_withheld(db: sqlite3.Connection, channel: str, customer_id: int) -> bool:
    """Whether the record existed before, and was linked by an e-mail that is not proven, or is
    being linked that way at this moment.
    """
    row = db.execute(
        f"""SELECT 1 FROM links
           WHERE channel = ?1 AND customer_id = ?2 AND unproven IS NOT NULL
           UNION ALL
           SELECT 1 FROM deliveries
           WHERE channel = ?1 AND customer_id = ?2
                 AND {IS_OPEN}
                 AND json_extract(plan, '$.unproven') IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM links WHERE channel = ?1 AND customer_id = ?2)
           LIMIT 1""",  # noqa: S608
        (channel, customer_id),
    ).fetchone()
    return row is not None


def planned(
    db: sqlite3.Connection, after: Spot, channel: str, reference: str, since: float
) -> tuple[int, Spot | None]:
    """Attempts since then that chose this record for a customer who is not linked to it. Those of
    a page of all that is open behind `after`, and where the next begins; None after the last.
    """
    end = open_end(db, after)
    if end is None:
        return 0, None
    (count,) = db.execute(
        f"""SELECT count(*) FROM deliveries AS d INDEXED BY deliveries_open
            WHERE {IS_OPEN}
              AND (customer_id, channel) > (?, ?) AND (customer_id, channel) <= (?, ?)
              AND channel = ? AND updated_at >= ?
              AND CAST(json_extract(plan, '$.member') AS TEXT) = ?
              AND NOT EXISTS (SELECT 1 FROM links WHERE channel = d.channel
                              AND customer_id = d.customer_id)""",  # noqa: S608
        (*after, *end, channel, since, reference),
    ).fetchone()
    return count, end


def keep_apart(db: sqlite3.Connection, customer_id: int, member_id: int, now: float) -> None:
    """A person says that this member is not this customer."""
    db.execute(
        """INSERT INTO kept_apart (customer_id, member_id, created_at) VALUES (?, ?, ?)
           ON CONFLICT (customer_id, member_id) DO NOTHING""",
        (customer_id, member_id, now),
    )


def reunite(db: sqlite3.Connection, customer_id: int, member_id: int) -> None:
    """A person says now that they are the same."""
    db.execute(
        "DELETE FROM kept_apart WHERE customer_id = ? AND member_id = ?", (customer_id, member_id)
    )


def apart(db: sqlite3.Connection) -> set[tuple[int, int]]:
    """Every (customer id, member id) that a person keeps apart: few, each written by hand."""
    return {(row[0], row[1]) for row in db.execute("SELECT customer_id, member_id FROM kept_apart")}
