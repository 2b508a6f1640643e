"""What the database holds about one person, table by table: shown, and wiped by the same list.

A test holds that every table of the schema is in `TABLES` or in `IMPERSONAL`.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.store.paging import LOOKED

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


@dataclass(frozen=True, slots=True)
class Traces:
    """By what rows are a person's: ids, and subjects of the log of actions."""

    customers: frozenset[int] = frozenset()
    registrations: frozenset[str] = frozenset()
    members: frozenset[int] = frozenset()
    subjects: frozenset[str] = frozenset()


_AMONG = "{} IN (SELECT value FROM json_each(:{}))"
_CUSTOMER = _AMONG.format("customer_id", "customers")
_IN_SMAREGI = "lives in Smaregi, and goes here once it is erased there"
_DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Table:
    """`what` and `kept` in words; `{days}` is GATEWAY_RETENTION_DAYS.

    `columns` are what is shown of a person's rows, no keyed hash among them; `where` finds them, by
    JSON lists of ids (`_parameters`). `wipe`: `_DELETE`, or what is set instead, or '' where they
    stay; only of rows where `only` holds. `stays`: why rows may be left after that.
    """

    name: str
    what: str
    kept: str
    columns: str
    where: str = _CUSTOMER
    wipe: str = _DELETE
    only: str = "1"
    stays: str = ""

    @property
    def select_sql(self) -> str:
        return f"SELECT {self.columns} FROM {self.name} WHERE {self.where} ORDER BY 1"  # noqa: S608

    @property
    def wipe_sql(self) -> str:
        change = f"UPDATE {self.name} SET {self.wipe}"  # noqa: S608
        begin = f"DELETE FROM {self.name}" if self.wipe == _DELETE else change  # noqa: S608
        return f"{begin} WHERE ({self.where}) AND ({self.only})"


TABLES: tuple[Table, ...] = (
    Table(
        "registrations",
        "a sign-up: ids, how it stands; e-mail and data as keyed hashes",
        "{days} days, and as long as its deliveries",
        "id, state, customer_id, shopify_action, warnings, problem, created_at, updated_at",
        _AMONG.format("id", "registrations"),
    ),
    Table(
        "intents",
        "the data of a sign-up, encrypted",
        "until Shopify has it or has refused it",
        "registration_id, created_at",
        _AMONG.format("registration_id", "registrations"),
    ),
    Table(
        "idempotency_keys",
        "the answer that a storefront was given: ids, the member number and outcomes",
        "24 hours",
        "registration_id, status, created_at",
        _AMONG.format("registration_id", "registrations"),
    ),
    Table(
        "links",
        "which record of another system is theirs; what was sent there as keyed hashes",
        "as long as they have that record",
        "channel, customer_id, reference, member_number, old_number, created_at, updated_at",
    ),
    Table(
        "proofs",
        "that an e-mail is known to be theirs: its keyed hash",
        "as long as they are a customer",
        "customer_id, signed_in",
    ),
    Table(
        "signup_evidence",
        "what they said at sign-up, to find duplicates: keyed hashes",
        "as long as they are linked to a store member",
        "customer_id",
    ),
    Table(
        "deliveries",
        "what is, or was, owed to a channel: ids and outcomes",
        "until delivered or given up, and {days} days more",
        "id, registration_id, customer_id, channel, kind, outcome, error_class, message, reason,"
        " reference, created_at, updated_at",
    ),
    Table(
        "attempts",
        "tries at a delivery: times, and how they ended",
        "as long as its delivery",
        "id, delivery_id, started_at, outcome, error_class, message, reason",
        f"delivery_id IN (SELECT id FROM deliveries WHERE {_CUSTOMER})",  # noqa: S608
    ),
    Table(
        "events",
        "webhooks about them: topic and ids",
        "7 days after the work",
        "id, topic, state, received_at",
        " OR ".join((_CUSTOMER, _AMONG.format("merged_id", "customers"))),
        wipe="",
        stays="goes by itself: it is needed to know a repetition",
    ),
    Table(
        "removals",
        "that they are to leave the other systems",
        "until that is done, and an hour more",
        "customer_id, cause, state, noticed_at",
        only="cause = 'exists' OR state = 'dropped'",
        stays="counts for an hour, so that a mass of them is noticed",
    ),
    Table(
        "kept_apart",
        "a person's word that a store member is somebody else",
        "as long as they are a customer",
        "customer_id, member_id, created_at",
    ),
    Table(
        "actions",
        "what staff did about them, and the reason that was given",
        "{days} days",
        "at, actor, action, customer_id, why",
        " OR ".join((_CUSTOMER, _AMONG.format("subject", "subjects"))),
        wipe="customer_id = NULL, subject = '', why = ''",
        only="customer_id IS NOT NULL",
        stays="that it was asked for, under a keyed hash: the proof that it was done",
    ),
    Table(
        "members",
        "the index of Smaregi's members: ids, numbers, dates of visit, and keyed hashes",
        "as long as they are in Smaregi",
        "member_id, code, number, last_come",
        _AMONG.format("member_id", "members"),
        wipe="",
        stays=_IN_SMAREGI,
    ),
    Table(
        "duplicate_queue",
        "that their store member is to be looked at for duplicates",
        "seconds",
        "member_id, customer_id",
        wipe="customer_id = NULL, evidence = NULL",
    ),
    Table(
        "duplicates",
        "store members that may be the same person: their ids in Smaregi",
        "as long as both are in Smaregi",
        "low_id, high_id, state, reasons, found_at",
        " OR ".join(_AMONG.format(each, "members") for each in ("low_id", "high_id")),
        wipe="",
        stays=_IN_SMAREGI,
    ),
    Table(
        "merges",
        "two store members that were made one",
        "as long as the database",
        "survivor, absorbed, step, customer_id, points, updated_at",
        " OR ".join((_CUSTOMER, *(_AMONG.format(each, "members") for each in ("low", "high")))),
        wipe="customer_id = NULL",
        only="step IN ('begun', 'done')",
        stays="two ids of Smaregi and the points that were moved, so that they are not moved twice",
    ),
)
"""In the order in which they are shown; what refers to a row stands behind it."""

IMPERSONAL: Mapping[str, str] = {
    "meta": "how far passes have come, and by which secret is keyed",
    "identities": "which shop, contract and account this is",
    "sqlite_sequence": "SQLite's own: the highest id that was given",
}
"""Tables that hold nothing of a person, and what they hold."""


def _parameters(found: Traces) -> dict[str, bytes]:
    return {
        "customers": orjson.dumps(sorted(found.customers)),
        "registrations": orjson.dumps(sorted(found.registrations)),
        "members": orjson.dumps(sorted(found.members)),
        "subjects": orjson.dumps(sorted(found.subjects)),
    }


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
    asked = {"customers": orjson.dumps(sorted(known.customers))}
    theirs = db.execute(f"SELECT id, email_hash FROM registrations WHERE {_CUSTOMER}", asked)  # noqa: S608
    rows = theirs.fetchall()
    proofs = db.execute(f"SELECT email_hash FROM proofs WHERE {_CUSTOMER}", asked).fetchall()  # noqa: S608
    emails = {row["email_hash"] for row in (*rows, *proofs)} - {b""}
    links = db.execute(
        f"SELECT reference FROM links WHERE channel = 'smaregi' AND {_CUSTOMER}",  # noqa: S608
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
