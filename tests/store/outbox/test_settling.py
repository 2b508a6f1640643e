"""The outbox settles: all of an end is written."""

import sqlite3

import pytest

from gateway.errors import ErrorClass
from gateway.outcomes import Outcome, Waiting
from gateway.store import outbox
from gateway.store.outbox import AttemptResult
from tests.store.outbox.rows import add, change, row, settle


def test_all_of_an_end_is_written(db: sqlite3.Connection) -> None:
    first, other = add(db, claimed=True), add(db, "pos")
    found = settle(
        db,
        first,
        Outcome.RETRYING,
        duration=0.5,
        error_class=ErrorClass.TIMEOUT,
        message="slow",
        next_attempt_at=300.0,
        waiting=Waiting.INDEX,
        action="created",
        reference="77",
        content_hash="hash",
        adjustments=[{"field": "name"}],
    )
    assert found == row(db, first)
    assert (found.outcome, found.error_class, found.message) == ("retrying", "timeout", "slow")
    assert (found.next_attempt_at, found.waiting) == (300.0, Waiting.INDEX)
    assert (found.action, found.reference, found.content_hash) == ("created", "77", "hash")
    assert (found.attempts, found.claimed_version, found.updated_at) == (1, None, 200.0)
    assert found.adjustments == (), "of what has arrived"
    assert outbox.attempts_of(db, first.id) == [
        {
            "started_at": 150.0,
            "duration": 0.5,
            "outcome": "retrying",
            "error_class": "timeout",
            "message": "slow",
            "reason": None,
            "counted": 1,
        }
    ]
    assert row(db, other) == other
    found = settle(db, first, Outcome.DELIVERED, adjustments=[{"field": "name"}])
    assert (found.action, found.reference, found.content_hash) == ("created", "77", "hash")
    assert found.adjustments == ({"field": "name"},)
    assert (found.error_class, found.message, found.next_attempt_at) == (None, None, None)


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.HELD, Outcome.FAILED])
def test_what_changed_meanwhile_is_due_again_whatever_the_end(
    db: sqlite3.Connection, outcome: Outcome
) -> None:
    first = change(db, add(db, claimed=True), version=2, urgent=1)
    found = settle(db, first, outcome, next_attempt_at=300.0)
    assert (found.outcome, found.urgent, found.claimed_version) == ("pending", True, None)


@pytest.mark.parametrize(
    ("end", "change_said", "due"),
    [(None, None, None), (300.0, None, 300.0), (None, 500.0, 500.0), (300.0, 500.0, 500.0)],
)
def test_what_changed_meanwhile_is_due_at_the_later_of_two_times(
    db: sqlite3.Connection, end: float | None, change_said: float | None, due: float | None
) -> None:
    first = change(db, add(db, claimed=True), version=2, next_attempt_at=change_said)
    found = settle(db, first, Outcome.RETRYING, next_attempt_at=end)
    assert (found.outcome, found.next_attempt_at) == ("retrying", due)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_opt_out_is_urgent_until_it_was_sent(db: sqlite3.Connection, outcome: Outcome) -> None:
    first = add(db, claimed=True, urgent=True)
    found = settle(db, first, outcome)
    assert found.urgent is (outcome in {Outcome.RETRYING, Outcome.FAILED})


def test_what_was_given_up_meanwhile_is_delivered_or_stays_given_up(
    db: sqlite3.Connection,
) -> None:
    arrived, failed = add(db, claimed=True), add(db, "pos", claimed=True)
    changed = change(db, add(db, "mail", claimed=True), version=2)
    for each in (arrived, failed, changed):
        change(db, each, outcome="discarded")
    assert settle(db, arrived, Outcome.DELIVERED).outcome is Outcome.DELIVERED
    assert settle(db, changed, Outcome.DELIVERED).outcome is Outcome.DISCARDED
    end = AttemptResult(failed.id, Outcome.FAILED, started_at=1.0)
    assert outbox.settle(db, [end], 200.0) == {}
    assert row(db, failed).outcome is Outcome.DISCARDED
    assert len(outbox.attempts_of(db, failed.id)) == 1, "that it was made is known"


def test_an_attempt_at_a_delivery_that_is_no_more_is_forgotten(db: sqlite3.Connection) -> None:
    end = AttemptResult(99, Outcome.DELIVERED, started_at=1.0, reference="1", fingerprints={})
    assert outbox.settle(db, [end], 200.0) == {}
    assert outbox.last_attempt(db) == 0


def test_an_uncounted_attempt_never_counts_below_nothing(db: sqlite3.Connection) -> None:
    first = change(db, add(db, claimed=True), attempts=0)
    assert settle(db, first, Outcome.RETRYING, counted=False).attempts == 0
    again = change(db, first, attempts=3)
    assert settle(db, again, Outcome.RETRYING, counted=False).attempts == 2
    assert outbox.attempts_of(db, first.id)[0]["counted"] == 0


def test_an_end_of_which_no_more_is_said_took_no_time_and_linked_nothing() -> None:
    end = AttemptResult(1, Outcome.DELIVERED, started_at=1.0)
    assert (end.duration, end.was_linked, end.instead_of, end.error) == (0.0, False, None, None)
    assert end.was_linked is False
