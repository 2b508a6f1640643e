"""What the database holds about one person, table by table: shown, and wiped by the same list.

A test holds that every table of the schema is in `TABLES` or in `IMPERSONAL`.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway import frozen
from gateway.store.paging import LOOKED
from gateway.store.personal_tables import IMPERSONAL, OF_CUSTOMER, TABLES, Table

__all__ = [
    "IMPERSONAL",
    "TABLES",
    "Table",
    "Traces",
    "find",
    "of_email",
    "proven",
    "traces",
    "wipe",
    "words",
]


@frozen
class Traces:
    """By what rows are a person's: ids, and subjects of the log of actions."""

    customers: frozenset[int] = frozenset()
    registrations: frozenset[str] = frozenset()
    members: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()


def _parameters(found: Traces) -> dict[str, str]:
    return {
        "customers": _listed(found.customers),
        "registrations": _listed(found.registrations),
        "members": _listed(found.members),
        "subjects": _listed(found.subjects),
    }


def _listed(found: Collection[int] | Collection[str]) -> str:
    return orjson.dumps(sorted(found)).decode()


def of_email(db: sqlite3.Connection, emails: Sequence[bytes]) -> Traces:
    """Sign-ups with this e-mail, and whose customers they became. `emails`: its hashes."""
    rows = [
        row
        for each in emails
        for row in db.execute(
            "SELECT id, customer_id FROM registrations WHERE email_hash = ?", (each,)
        )
    ]
    customers = frozenset(row["customer_id"] for row in rows if row["customer_id"] is not None)
    alone = frozenset(row["id"] for row in rows if row["customer_id"] is None)
    return Traces(customers, alone)


def proven(
    db: sqlite3.Connection, emails: Sequence[bytes], after: int
) -> tuple[set[int], int | None]:
    """Customers whose e-mail this is known to be. A page of all, behind the customer `after`; and
    the place behind which the next begins.
    """
    rows = db.execute(
        """SELECT customer_id, email_hash FROM proofs WHERE customer_id > ?
           ORDER BY customer_id LIMIT ?""",
        (after, LOOKED),
    ).fetchall()
    found = {row["customer_id"] for row in rows if row["email_hash"] in emails}
    return found, rows[-1]["customer_id"] if rows else None


def traces(db: sqlite3.Connection, known: Traces) -> Traces:
    """All that belongs to these: the customers' own sign-ups, those that they replaced or that were
    refused under the same e-mail, and their store members.

    A sign-up of another customer with the same e-mail is that customer's.
    """
    asked = {"customers": _listed(known.customers)}
    theirs = db.execute(f"SELECT id, email_hash FROM registrations WHERE {OF_CUSTOMER}", asked)  # noqa: S608
    rows = theirs.fetchall()
    proofs = db.execute(f"SELECT email_hash FROM proofs WHERE {OF_CUSTOMER}", asked).fetchall()  # noqa: S608
    emails = {row["email_hash"] for row in (*rows, *proofs)} - {b""}
    links = db.execute(
        f"SELECT reference FROM links WHERE channel = 'smaregi' AND {OF_CUSTOMER}",  # noqa: S608
        asked,
    )
    return replace(
        known,
        registrations=known.registrations
        | {row["id"] for row in rows}
        | of_email(db, sorted(emails)).registrations,
        members=known.members | {int(row[0]) for row in links if row[0].isdecimal()},
    )


def find(db: sqlite3.Connection, person: Traces) -> dict[str, list[dict[str, Any]]]:
    """Table -> a person's rows; tables without any are left out. `person`: as of `traces`."""
    asked = _parameters(person)
    rows = ((t.name, [dict(row) for row in db.execute(t.select_sql, asked)]) for t in TABLES)
    return {name: found for name, found in rows if found}


def wipe(db: sqlite3.Connection, person: Traces) -> None:
    """Takes away all that is to go. `person`: as of `traces`."""
    asked = _parameters(person)
    for table in reversed(TABLES):
        if table.wipe:
            db.execute(table.wipe_sql, asked)


def words(names: Iterable[str], days: float) -> dict[str, Table]:
    """These tables, with the days of retention in their words."""
    by_name = {table.name: table for table in TABLES}
    return {n: replace(by_name[n], kept=by_name[n].kept.format(days=f"{days:g}")) for n in names}
