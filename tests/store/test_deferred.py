"""Sign-ups that are answered 202: who takes whose place, and what is tried when."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.store import admission, deferred, registrations, tally
from gateway.store.registrations import DAY
from tests.store.accepting import is_accepted
from tests.store.memory import a_connection
from tests.store.test_registrations import BODY, EMAIL, NOW, OTHER, request

PROBLEM = {"type": "shopify-unavailable", "status": 503}


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


def put(db: sqlite3.Connection, state: str, name: str = "first") -> None:
    """A registration in `state`; `claimed` and `doubt` are of one that waits."""
    live = state in {"open", "unclear", "accepted"}
    admission.begin(db, request(name, later=not live), NOW - 10)
    if state == "unclear":
        registrations.mark_unclear(db, name, NOW - 9)
    if state == "accepted":
        is_accepted(db, name, 7, NOW - 9)
    if state == "rejected":
        registrations.refuse(db, name, PROBLEM, NOW - 9)
    if state in {"claimed", "doubt"}:
        (row,) = deferred.claim(db, NOW - 9, 5)
        if state == "doubt":
            deferred.postpone(db, replace(row, doubt=True), NOW + 300, NOW - 8)


def state(db: sqlite3.Connection, name: str) -> str:
    found = registrations.get(db, name)
    return found.state if found else "gone"


@pytest.mark.parametrize(
    ("before", "same", "later", "verdict", "identity", "after"),
    [
        ("waiting", True, True, "waiting", "first", "waiting"),
        ("waiting", True, False, "resume", "first", "waiting"),
        ("waiting", False, True, "waiting", "second", "replaced"),
        ("waiting", False, False, "new", "second", "replaced"),
        ("claimed", True, True, "waiting", "first", "waiting"),
        ("claimed", True, False, "waiting", "first", "waiting"),
        ("claimed", False, True, "busy", "first", "waiting"),
        ("claimed", False, False, "busy", "first", "waiting"),
        ("doubt", True, False, "resume", "first", "waiting"),
        ("doubt", False, True, "waiting", "second", "unclear"),
        ("open", True, True, "waiting", "first", "waiting"),
        ("open", False, True, "busy", "first", "open"),
        ("unclear", True, True, "waiting", "first", "waiting"),
        ("unclear", False, True, "waiting", "second", "unclear"),
        ("accepted", True, True, "join", "first", "accepted"),
        ("accepted", False, True, "waiting", "second", "accepted"),
        ("rejected", True, True, "waiting", "second", "rejected"),
        ("rejected", True, False, "new", "second", "rejected"),
    ],
)
def test_the_same_person_again(
    db: sqlite3.Connection,
    before: str,
    same: bool,
    later: bool,
    verdict: str,
    identity: str,
    after: str,
) -> None:
    put(db, before)
    ask = request("second", BODY if same else OTHER, later=later)
    begun = admission.begin(db, ask, NOW)
    assert (begun.verdict, begun.id) == (verdict, identity)
    assert state(db, "first") == after
    assert begun.left_unclear is (before == "doubt" and identity == "second")


@pytest.mark.parametrize("before", ["waiting", "doubt"])
def test_what_took_its_place_inherits_the_promise(db: sqlite3.Connection, before: str) -> None:
    """A caller who waits, with newer data: his failure is not the end of it."""
    put(db, before)
    admission.begin(db, request("second", OTHER), NOW)
    assert registrations.fail(db, "second", NOW + 5, NOW, doubt=False) is True
    found = registrations.current(db, "first")
    assert found is not None
    assert (found.id, found.state) == ("second", "waiting")


def test_every_earlier_one_shows_the_newest(db: sqlite3.Connection) -> None:
    put(db, "waiting")
    for number, name in enumerate(("second", "third", "fourth")):
        admission.begin(db, request(name, f"body {number}".encode(), later=True), NOW + number)
    for name in ("first", "second", "third"):
        found = registrations.current(db, name)
        assert found is not None
        assert found.id == "fourth"
    assert tally.read(db).intents == 1
    assert registrations.unanswered_ids(db, EMAIL, NOW) == {"first", "second", "third", "fourth"}


def test_a_replaced_one_in_doubt_keeps_its_intent_until_the_newest_is_accepted(
    db: sqlite3.Connection,
) -> None:
    put(db, "doubt")
    admission.begin(db, request("second", OTHER, later=True), NOW)
    assert registrations.sealed_intent(db, "first") is not None
    assert [row.id for row in registrations.unsettled(db)] == ["first"]
    is_accepted(db, "second", 7, NOW)
    assert (state(db, "first"), tally.read(db).intents) == ("replaced", 0)


@pytest.mark.parametrize(("before", "after"), [("waiting", "rejected"), ("doubt", "unclear")])
def test_given_up_is_what_nobody_tries_and_whose_day_is_over(
    db: sqlite3.Connection, before: str, after: str
) -> None:
    put(db, before)
    assert deferred.end_overdue(db, PROBLEM, NOW + DAY - 11) == []
    assert deferred.end_overdue(db, PROBLEM, NOW + DAY, "another") == []
    assert deferred.end_overdue(db, PROBLEM, NOW + DAY) == ["first"]
    assert state(db, "first") == after
    assert tally.read(db).intents == (after == "unclear")
    registrations.close(db, "first", NOW + DAY)
    assert (state(db, "first"), tally.read(db).intents) == ("rejected", 0)


def test_they_are_claimed_in_order_of_arrival_once_and_when_due(db: sqlite3.Connection) -> None:
    for number in range(5):
        ask = request(f"r{number}", email=f"e{number}".encode(), later=True)
        admission.begin(db, ask, NOW + number)
    assert [row.id for row in deferred.claim(db, NOW + 3, 2)] == ["r0", "r1"]
    assert [row.id for row in deferred.claim(db, NOW + 3, 9)] == ["r2", "r3"]
    assert deferred.claim(db, NOW + 3, 9) == []


def test_a_new_owner_doubts_what_a_dead_one_had_claimed(db: sqlite3.Connection) -> None:
    put(db, "claimed")
    assert deferred.take_over(db, NOW) == 1
    (row,) = deferred.claim(db, NOW, 5)
    assert (row.doubt, row.tries) == (True, 2)


def test_after_an_outage_they_go_in_order_of_arrival_however_often_they_failed(
    db: sqlite3.Connection,
) -> None:
    for name, tries, again in (("a", 9, NOW + 600), ("b", 3, NOW + 60), ("c", 0, NOW - 1)):
        admission.begin(db, request(name, email=name.encode(), later=True), NOW)
        db.execute(
            "UPDATE registrations SET tries = ?, next_try_at = ? WHERE id = ?", (tries, again, name)
        )
    while deferred.bring_forward(db, NOW):
        pass
    assert [deferred.claim(db, NOW, 1)[0].id for _ in range(3)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ("waiting", "key_replay"),
        ("accepted", "join"),
        ("refused", "join"),
        ("given up", "waiting"),
        ("unreadable", "waiting"),
        ("gone", "waiting"),
    ],
)
def test_a_key_that_was_answered_202(db: sqlite3.Connection, end: str, verdict: str) -> None:
    ask = request("first", key=b"key", later=True)
    admission.begin(db, ask, NOW)
    if end == "accepted":
        is_accepted(db, "first", 7, NOW)
    if end == "refused":
        registrations.refuse(db, "first", {"type": "invalid-data", "status": 422}, NOW)
    if end == "given up":
        deferred.end(db, ["first"], PROBLEM, NOW)
    if end == "unreadable":
        deferred.end(db, ["first"], {"type": "unreadable", "status": 500}, NOW)
    if end == "gone":
        db.execute("DELETE FROM registrations")
    begun = admission.begin(db, request("second", key=b"key", later=True), NOW + 1)
    assert begun.verdict == verdict
    other = admission.begin(db, request("third", OTHER, key=b"key", later=True), NOW + 2)
    assert other.verdict == "key_mismatch"


def test_the_scans_of_what_waits_need_no_table(db: sqlite3.Connection) -> None:
    """Ten thousand may wait: none of the questions asked every second reads them all."""
    due = (
        "SELECT id FROM registrations WHERE state = 'waiting' AND claimed = 0 AND next_try_at <= 1"
    )
    claimed = "registrations INDEXED BY registrations_claimed"
    orphans = f"SELECT id FROM {claimed} WHERE state = 'waiting' AND claimed = 1"
    for query, index in (
        (f"{due} ORDER BY next_try_at, id LIMIT 8", "registrations_waiting"),
        (f"{orphans} AND updated_at < 1", "registrations_claimed"),
    ):
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan, plan
        assert "TEMP B-TREE" not in plan, plan
