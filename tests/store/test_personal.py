"""Every table is known to hold something of a person, or to hold nothing of one."""

import re

import pytest

from gateway.store import personal
from gateway.store.personal import IMPERSONAL, TABLES, Traces
from tests.store.memory import a_connection

EVERYBODY = Traces(frozenset({7}), frozenset({"a"}), frozenset({70}), frozenset({"f00d"}))


def test_a_new_table_must_say_what_it_holds_of_a_person() -> None:
    rows = a_connection().execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    found = {row["name"] for row in rows}
    assert found == {each.name for each in TABLES} | {*IMPERSONAL}


def test_a_column_that_names_a_person_makes_a_table_personal() -> None:
    db = a_connection()
    for name in IMPERSONAL:
        columns = {row["name"] for row in db.execute(f"PRAGMA table_info({name})")}
        assert not columns & {"customer_id", "registration_id", "member_id", "email_hash"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_shown_has_no_keyed_hash(table: personal.Table) -> None:
    kinds = {
        row["name"]: row["type"]
        for row in a_connection().execute(f"PRAGMA table_info({table.name})")
    }
    shown = {name.strip() for name in table.columns.split(",")}
    assert shown <= kinds.keys()
    assert all(kinds[name] != "BLOB" for name in shown)
    assert not shown & {"fingerprints", "content_hash", "plan"}


def test_what_does_not_all_go_says_why() -> None:
    for table in TABLES:
        assert bool(table.stays) == (not table.wipe or table.only != "TRUE")


def test_every_query_runs() -> None:
    db = a_connection()
    assert personal.find(db, personal.traces(db, EVERYBODY)) == {}
    personal.wipe(db, EVERYBODY)


def test_a_sign_up_of_another_customer_with_the_same_e_mail_is_that_customers() -> None:
    db = a_connection()
    for registration, state, customer in (
        ("first", "accepted", 7),
        ("refused", "rejected", None),
        ("others", "accepted", 8),
    ):
        db.execute(
            """INSERT INTO registrations (id, state, email_hash, body_hash, customer_id,
                                          created_at, updated_at)
               VALUES (?, ?, x'01', x'02', ?, 0, 0)""",
            (registration, state, customer),
        )
    theirs = personal.traces(db, Traces(customers=frozenset({7})))
    assert theirs.registrations == {"first", "refused"}
    personal.wipe(db, theirs)
    (left,) = db.execute("SELECT id FROM registrations").fetchall()
    assert left["id"] == "others"


def test_a_wiped_action_stays_done_to_nobody() -> None:
    db = a_connection()
    db.execute(
        """INSERT INTO actions (at, actor, action, customer_id, subject, why)
           VALUES (1, 'admin 1', 'reveal', 7, 'x', 'she asked'),
                  (2, 'admin 1', 'reveal', 8, 'y', '')"""
    )
    personal.wipe(db, Traces(customers=frozenset({7})))
    rows = [tuple(row) for row in db.execute("SELECT customer_id, subject, why FROM actions")]
    assert rows == [(None, "", ""), (8, "y", "")]


def test_the_days_of_retention_are_said() -> None:
    (table,) = personal.words(["actions"], 12).values()
    assert re.search(r"^12 days$", table.kept)
