"""The outbox writes: what is owed, claimed, planned and given up."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.background import on_behalf_of
from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.store import outbox
from tests.store.outbox.rows import HANAKO, TARO, add, change, ids, row


def test_what_was_written_is_what_stands_there(db: sqlite3.Connection) -> None:
    new = [
        NewDelivery("pos", Kind.REGISTRATION, Outcome.PENDING, claimed=True),
        NewDelivery("crm", Kind.UPDATE, Outcome.HELD, not_before=150.0, urgent=True),
        NewDelivery("mail", Kind.BACKFILL, Outcome.SKIPPED),
    ]
    with on_behalf_of("req-1"):
        written = outbox.add(db, TARO, "r1", new, 100.0)
    assert written == [row(db, each) for each in written]
    assert {each.request_id for each in written} == {"req-1"}
    first, second, third = written
    assert [each.id for each in written] == [1, 2, 3]
    assert (first.attempts, first.claimed_version, first.version) == (1, 1, 1)
    assert (second.attempts, second.claimed_version, second.urgent) == (0, None, True)
    assert (second.next_attempt_at, second.kind, second.outcome) == (150.0, Kind.UPDATE, "held")
    assert (third.channel, third.registration_id, third.customer_id) == ("mail", "r1", TARO)
    assert (third.created_at, third.updated_at, third.urgent) == (100.0, 100.0, False)
    assert outbox.add(db, TARO, None, [], 100.0) == []


def test_what_is_owed_beside_an_open_delivery_is_written_with_it(db: sqlite3.Connection) -> None:
    open_one = add(db, "crm")
    other = add(db, "crm", customer=HANAKO)
    new = [NewDelivery(name, Kind.UPDATE, Outcome.PENDING) for name in ("pos", "crm", "mail")]
    written = outbox.add(db, TARO, "r2", new, 200.0)
    assert [(each.channel, each.version) for each in written] == [
        ("pos", 1),
        ("crm", 2),
        ("mail", 1),
    ]
    assert written[1].id == open_one.id
    assert written == [row(db, each) for each in written]
    assert row(db, other) == other


def test_a_settled_delivery_is_not_opened_again(db: sqlite3.Connection) -> None:
    settled = change(db, add(db), outcome="delivered")
    assert add(db).id != settled.id


@dataclass(frozen=True)
class Raised:
    """An open delivery as it was, what comes, and what it is afterwards."""

    before: dict[str, Any]
    comes: dict[str, Any]
    after: dict[str, Any]


RAISED = {
    "a change of one that waits leaves its time": Raised(
        {"outcome": "retrying", "attempts": 3, "next_attempt_at": 500.0},
        {},
        {"outcome": "retrying", "attempts": 3, "next_attempt_at": 500.0, "version": 2},
    ),
    "a change of one that has failed begins anew": Raised(
        {"outcome": "failed", "attempts": 3, "next_attempt_at": 500.0},
        {},
        {"outcome": "pending", "attempts": 0, "next_attempt_at": None},
    ),
    "a change of one that is held goes by today's flag": Raised(
        {"outcome": "held", "attempts": 3, "next_attempt_at": 500.0},
        {},
        {"outcome": "pending", "attempts": 0, "next_attempt_at": None},
    ),
    "one that has failed is held where the flag holds": Raised(
        {"outcome": "failed", "attempts": 3},
        {"outcome": Outcome.HELD},
        {"outcome": "held", "attempts": 0},
    ),
    "one that waits is claimed, counted and due at once": Raised(
        {"outcome": "retrying", "attempts": 3, "next_attempt_at": 500.0},
        {"claimed": True},
        {"outcome": "pending", "attempts": 4, "claimed_version": 2, "next_attempt_at": None},
    ),
    "one that has failed is claimed for a first time": Raised(
        {"outcome": "failed", "attempts": 3},
        {"claimed": True},
        {"outcome": "pending", "attempts": 1, "claimed_version": 2},
    ),
    "one that is under way is not claimed again": Raised(
        {"outcome": "pending", "attempts": 1, "claimed_version": 1, "next_attempt_at": None},
        {"claimed": True, "outcome": Outcome.HELD},
        {"outcome": "pending", "attempts": 1, "claimed_version": 1, "version": 2},
    ),
    "a later time counts, also of one that waits": Raised(
        {"outcome": "retrying", "attempts": 3, "next_attempt_at": 500.0},
        {"not_before": 700.0},
        {"outcome": "pending", "attempts": 3, "next_attempt_at": 700.0, "claimed_version": None},
    ),
    "a later time of one under way waits for its end": Raised(
        {"outcome": "pending", "attempts": 1, "claimed_version": 1},
        {"not_before": 700.0, "outcome": Outcome.HELD},
        {"outcome": "pending", "attempts": 1, "next_attempt_at": 700.0},
    ),
    "urgent once is urgent until it is settled": Raised({"urgent": 1}, {}, {"urgent": True}),
    "it becomes urgent by what comes": Raised({}, {"urgent": True}, {"urgent": True}),
    "what was kept back is looked at again": Raised({"kept_back": 1}, {}, {"kept_back": 0}),
    "a change leaves a sign-up what it is": Raised(
        {"kind": "registration"}, {"kind": Kind.UPDATE}, {"kind": "registration"}
    ),
    "a sign-up makes a change a sign-up": Raised(
        {"kind": "update"}, {"kind": Kind.REGISTRATION}, {"kind": "registration"}
    ),
    "without a registration of its own it stays the first one's": Raised(
        {}, {"registration": None}, {"registration_id": "r1"}
    ),
    "it is the newest registration's": Raised(
        {}, {"registration": "r2"}, {"registration_id": "r2"}
    ),
}


@pytest.mark.parametrize("case", RAISED.values(), ids=list(RAISED))
def test_an_open_delivery_rises_by_what_comes(db: sqlite3.Connection, case: Raised) -> None:
    first = change(db, add(db), **case.before)
    others = [add(db, customer=HANAKO), add(db, "pos")]
    settled = change(db, add(db, "mail"), outcome="delivered")
    raised = add(db, now=300.0, **case.comes)
    assert (raised.id, raised.version, raised.updated_at) == (first.id, 2, 300.0)
    assert raised == row(db, first)
    found = db.execute("SELECT * FROM deliveries WHERE id = ?", (first.id,)).fetchone()
    assert {name: found[name] for name in case.after} == case.after
    assert [row(db, each) for each in (*others, settled)] == [*others, settled]


@pytest.mark.parametrize("outcome", ["pending", "retrying", "failed", "held"])
def test_an_open_delivery_is_claimed_as_it_was_seen(db: sqlite3.Connection, outcome: str) -> None:
    seen = change(
        db,
        add(db),
        outcome=outcome,
        attempts=2,
        version=3,
        next_attempt_at=500.0,
        waiting="index",
        kept_back=1,
    )
    other = add(db, "pos")
    claimed = outbox.claim(db, seen.id, 200.0, 3)
    assert claimed == row(db, seen)
    assert claimed is not None
    assert (claimed.outcome, claimed.attempts, claimed.claimed_version) == ("pending", 3, 3)
    assert (claimed.next_attempt_at, claimed.waiting, claimed.updated_at) == (None, None, 200.0)
    kept = "SELECT kept_back FROM deliveries WHERE id = ?"
    assert db.execute(kept, (seen.id,)).fetchone()[0] == 0
    assert row(db, other) == other


def test_one_that_changed_or_was_settled_meanwhile_is_not_claimed(db: sqlite3.Connection) -> None:
    first = add(db)
    assert outbox.claim(db, first.id, 200.0, 2) is None
    assert row(db, first) == first
    assert outbox.claim(db, first.id, 200.0) is not None, "whatever its version"
    settled = change(db, add(db, "pos"), outcome="delivered")
    assert outbox.claim(db, settled.id, 200.0) is None
    assert outbox.claim(db, 99, 200.0) is None


def test_a_plan_is_kept_of_one_delivery(db: sqlite3.Connection) -> None:
    first, other = add(db), add(db, "pos")
    outbox.save_plan(db, first.id, {"id": 3})
    assert (row(db, first).plan, row(db, other).plan) == ({"id": 3}, None)


def test_only_a_failed_conflicts_record_is_made_anew_and_its_plan_stays(
    db: sqlite3.Connection,
) -> None:
    conflict = {"outcome": "failed", "error_class": "conflict"}
    planned = change(db, add(db), plan='{"id": 3}', **conflict)
    bare = change(db, add(db, "pos"), **conflict)
    waiting = change(db, add(db, "mail"), outcome="retrying", error_class="conflict")
    invalid = change(db, add(db, customer=HANAKO), outcome="failed", error_class="invalid_data")
    left = change(db, add(db, "pos", customer=HANAKO), **conflict)
    outbox.recreate(db, ids([planned, bare, waiting, invalid]))
    assert [row(db, each).plan for each in (planned, bare, waiting, invalid, left)] == [
        {"id": 3, "recreate": True},
        {"recreate": True},
        None,
        None,
        None,
    ]


def test_what_is_given_up_waits_for_nothing_and_says_why(db: sqlite3.Connection) -> None:
    first = change(db, add(db), next_attempt_at=500.0, waiting="channel", outcome="retrying")
    other = add(db, "pos")
    assert outbox.discard(db, first.id, "by a person", 200.0) is True
    found = row(db, first)
    assert (found.outcome, found.message, found.updated_at) == ("discarded", "by a person", 200.0)
    assert (found.next_attempt_at, found.waiting) == (None, None)
    assert row(db, other) == other
    assert outbox.discard(db, first.id, "again", 300.0) is False
    assert row(db, first) == found


def test_what_a_dead_owner_had_claimed_is_due_at_once(db: sqlite3.Connection) -> None:
    claimed, pending = add(db, claimed=True), add(db, "pos", not_before=900.0)
    others = [
        change(db, add(db, customer=HANAKO), outcome="retrying", next_attempt_at=500.0),
        add(db, "mail", Outcome.HELD),
    ]
    assert outbox.recover(db, outbox.FIRST, 9e9, 200.0)[0] == 2
    found = row(db, claimed)
    assert (found.claimed_version, found.next_attempt_at, found.attempts) == (None, None, 1)
    assert row(db, pending).next_attempt_at == 200.0
    assert [row(db, each) for each in others] == others
