"""The outbox: what is due, what moves with the clock, and what flags keep."""

import sqlite3
from typing import Any

import pytest

from gateway.delivery.retry import RetryDecision
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Outcome, Waiting
from gateway.store import outbox
from tests.store.outbox.rows import HANAKO, TARO, _link, add, change, ids, kept, row


def test_what_has_waited_longest_is_due_first_whatever_it_is(db: sqlite3.Connection) -> None:
    third = change(db, add(db, customer=1), outcome="retrying", next_attempt_at=130.0)
    first = add(db, customer=2, now=110.0)
    fourth = add(db, customer=3, now=140.0)
    second = add(db, customer=4, not_before=120.0)
    same = add(db, customer=5, now=140.0)
    add(db, customer=6, not_before=1000.5)
    assert ids(outbox.due(db, "crm", 1000.0, 10, ())) == ids([first, second, third, fourth, same])
    assert ids(outbox.due(db, "crm", 1000.0, 2, ())) == ids([first, second])
    assert ids(outbox.due(db, "crm", 1000.0, 2, [first.id])) == ids([second, third])
    assert third.id not in ids(outbox.due(db, "crm", 1000.0, 10, (), retries=False))


def test_how_late_a_channel_is_goes_by_what_has_waited_longest(db: sqlite3.Connection) -> None:
    assert outbox.due_since(db, "crm", 1000.0) is None
    change(db, add(db, customer=1), outcome="retrying", next_attempt_at=130.0)
    assert outbox.due_since(db, "crm", 129.9) is None
    assert outbox.due_since(db, "crm", 1000.0) == 130.0
    pending = add(db, customer=2, now=110.0)
    add(db, "pos", customer=3, now=1.0)
    assert outbox.due_since(db, "crm", 1000.0) == 110.0
    outbox.keep_back(db, [pending])
    assert outbox.due_since(db, "crm", 1000.0) == 130.0


def test_what_is_passed_over_takes_nobodys_place(db: sqlite3.Connection) -> None:
    rows = [add(db, customer=number) for number in range(1, 7)]
    found = outbox.due(db, "crm", 1000.0, 3, ids(rows[:2]))
    assert ids(found) == ids(rows[2:5])


def test_only_the_channels_own_open_rows_that_are_not_kept_back_are_due(
    db: sqlite3.Connection,
) -> None:
    due = add(db, customer=1, not_before=200.0)
    add(db, "pos", customer=1)
    outbox.keep_back(db, [add(db, customer=2)])
    outbox.keep_back(db, [change(db, add(db, customer=3), outcome="retrying", next_attempt_at=1)])
    for number, outcome in enumerate(("failed", "held", "delivered", "discarded"), start=4):
        change(db, add(db, customer=number), outcome=outcome)
    assert ids(outbox.due(db, "crm", 200.0, 10, ())) == [due.id]
    assert outbox.due(db, "crm", 199.9, 10, ()) == []


def test_a_retry_is_due_at_its_time(db: sqlite3.Connection) -> None:
    waits = change(db, add(db), outcome="retrying", next_attempt_at=200.0)
    assert outbox.due(db, "crm", 199.9, 10, ()) == []
    assert ids(outbox.due(db, "crm", 200.0, 10, ())) == [waits.id]


def test_what_changed_since_the_flags_decided_is_not_kept_back(db: sqlite3.Connection) -> None:
    pending = add(db, customer=1)
    retrying = change(db, add(db, customer=2), outcome="retrying")
    failed = change(db, add(db, customer=3), outcome="failed")
    raised = add(db, customer=4)
    add(db, customer=4)
    add(db, customer=5)
    outbox.keep_back(db, [pending, retrying, failed, raised])
    assert kept(db) == ids([pending, retrying])
    outbox.let_go(db, [pending.id])
    assert kept(db) == [retrying.id]


def test_what_was_not_tried_waits_with_a_reason_and_uncounted(db: sqlite3.Connection) -> None:
    pending = add(db, customer=1, claimed=True)
    retrying = change(db, add(db, customer=2), outcome="retrying", attempts=3)
    held, other = add(db, customer=3, outcome=Outcome.HELD), add(db, customer=4)
    why = RetryDecision(
        Outcome.RETRYING, ErrorClass.CONNECTION, "down", 700.0, waiting=Waiting.SHOPIFY
    )
    outbox.postpone(db, ids([pending, retrying, held]), why, 200.0)
    for each, attempts in ((pending, 1), (retrying, 3)):
        found = row(db, each)
        assert (found.outcome, found.error_class, found.message) == (
            "retrying",
            ErrorClass.CONNECTION,
            "down",
        )
        assert (found.next_attempt_at, found.waiting) == (700.0, Waiting.SHOPIFY)
        assert (found.updated_at, found.attempts) == (200.0, attempts)
    assert [row(db, held), row(db, other)] == [held, other]


# -- the clock is set


def test_what_waits_moves_with_the_clock_a_page_at_a_time_each_once(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.outbox.schedule.PAGE", 3)
    rows = [add(db, customer=n, not_before=500.0) for n in range(1, 8)]
    change(db, rows[0], outcome="retrying")
    below: int | None = 2**62
    pages = []
    while below is not None:
        below = outbox.shift(db, 60.0, below)
        pages.append(below)
    assert pages == [5, 2, 1, None]
    assert {row(db, each).next_attempt_at for each in rows} == {560.0}


def test_what_does_not_wait_does_not_move(db: sqlite3.Connection) -> None:
    at_once = add(db, customer=1)
    still = [
        change(db, add(db, customer=n), outcome=outcome, next_attempt_at=500.0)
        for n, outcome in enumerate(("failed", "held", "delivered"), start=2)
    ]
    outbox.shift(db, 60.0, 2**62)
    assert row(db, at_once).next_attempt_at is None
    assert {row(db, each).next_attempt_at for each in still} == {500.0}


def test_nothing_stays_due_later_than_anything_can_be(db: sqlite3.Connection) -> None:
    late = [
        change(db, add(db, customer=n), outcome="retrying", next_attempt_at=900.0)
        for n in range(1, 4)
    ]
    in_time = change(db, add(db, customer=4), outcome="retrying", next_attempt_at=800.0)
    change(db, add(db, customer=5), next_attempt_at=100.0)
    assert outbox.recover(db, outbox.FIRST, 800.0, 100.0)[0] == 3, "what is due already stays"
    assert {row(db, each).next_attempt_at for each in late} == {100.0}
    assert row(db, in_time) == in_time


def test_what_was_waited_for_wakes_its_own_channel_or_all_a_page_at_a_time(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.outbox.schedule.PAGE", 2)

    def waits(channel: str, customer: int, waiting: str, outcome: str = "retrying") -> Delivery:
        delivery = add(db, channel, customer=customer)
        return change(db, delivery, outcome=outcome, waiting=waiting, next_attempt_at=900.0)

    own = [waits("crm", n, "channel") for n in range(1, 4)]
    other, index = waits("pos", 1, "channel"), waits("crm", 5, "index")
    settled = waits("crm", 6, "channel", "failed")
    assert [outbox.wake(db, Waiting.CHANNEL, "crm", 100.0) for _ in range(3)] == [2, 1, 0]
    assert {(row(db, each).next_attempt_at, row(db, each).waiting) for each in own} == {
        (100.0, None)
    }
    assert [row(db, each) for each in (other, index, settled)] == [other, index, settled]
    assert outbox.wake(db, Waiting.CHANNEL, None, 100.0) == 1
    assert row(db, other).next_attempt_at == 100.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"outcome": "failed", "error_class": "conflict", "attempts": 3},
            {"outcome": "pending", "attempts": 0, "next_attempt_at": 200.0},
        ),
        (
            {"outcome": "failed", "error_class": "invalid_data", "attempts": 3},
            {"outcome": "failed", "attempts": 3, "next_attempt_at": None},
        ),
        (
            {"outcome": "retrying", "error_class": "conflict", "next_attempt_at": 900.0},
            {"outcome": "retrying", "attempts": 0, "next_attempt_at": 900.0},
        ),
        (
            {"outcome": "retrying", "error_class": "timeout", "attempts": 2},
            {"outcome": "retrying", "attempts": 2},
        ),
    ],
)
def test_a_proof_ends_a_conflict_and_raises_whatever_is_open(
    db: sqlite3.Connection, before: dict[str, Any], after: dict[str, Any]
) -> None:
    first = change(db, add(db), kept_back=1, **before)
    others = [add(db, customer=HANAKO), add(db, "pos")]
    outbox.proven(db, TARO, "crm", 200.0)
    found = db.execute("SELECT * FROM deliveries WHERE id = ?", (first.id,)).fetchone()
    assert {name: found[name] for name in after} == after
    assert (found["version"], found["updated_at"], found["kept_back"]) == (2, 200.0, 0)
    assert [row(db, each) for each in others] == others


def test_a_proof_touches_nothing_that_is_settled(db: sqlite3.Connection) -> None:
    settled = change(db, add(db), outcome="delivered")
    outbox.proven(db, TARO, "crm", 200.0)
    assert row(db, settled) == settled


# -- pages of what flags keep


def test_held_rows_come_in_pages_those_without_a_time_first_each_with_its_link(
    db: sqlite3.Connection,
) -> None:
    timed = [
        change(db, add(db, outcome=Outcome.HELD, customer=n), next_attempt_at=at)
        for n, at in ((1, 300.0), (2, 200.0), (3, 200.0))
    ]
    bare = [add(db, outcome=Outcome.HELD, customer=n) for n in (4, 5)]
    add(db, "pos", Outcome.HELD, customer=1)
    add(db, customer=6)
    _link(db, "crm", 2)
    _link(db, "pos", 3)
    order = [bare[0], bare[1], timed[1], timed[2], timed[0]]
    for size in (1, 2, 3, 10):
        found, after = list[tuple[Delivery, bool]](), outbox.START
        while page := outbox.held(db, "crm", after, size):
            assert len(page) <= size
            found += page
            after = outbox.place_of(page[-1][0])
        assert ids(each for each, _ in found) == ids(order), size
        assert [linked for _, linked in found] == [False, False, True, False, False]


def test_what_is_kept_back_comes_by_its_outcome(db: sqlite3.Connection) -> None:
    pending = [add(db, customer=n) for n in (1, 2)]
    retrying = change(db, add(db, customer=3), outcome="retrying", next_attempt_at=900.0)
    add(db, customer=4)
    outbox.keep_back(db, [*pending, retrying])
    page = outbox.kept_back(db, "crm", Outcome.PENDING, outbox.START, 10)
    assert ids(page) == ids(pending)
    after = outbox.place_of(page[0])
    assert ids(outbox.kept_back(db, "crm", Outcome.PENDING, after, 10)) == [pending[1].id]
    found = outbox.kept_back(db, "crm", Outcome.RETRYING, outbox.START, 10)
    assert ids(found) == [retrying.id]
    assert outbox.kept_back(db, "pos", Outcome.PENDING, outbox.START, 10) == []


def test_what_waited_for_a_change_need_not_wait_any_more(db: sqlite3.Connection) -> None:
    pending = add(db, not_before=900.0)
    retrying = change(db, add(db, "pos"), outcome="retrying", next_attempt_at=900.0)
    other = add(db, "mail", not_before=900.0)
    outbox.due_now(db, ids([pending, retrying]))
    assert row(db, pending).next_attempt_at is None
    assert [row(db, retrying), row(db, other)] == [retrying, other]


@pytest.mark.parametrize(
    ("columns", "gone"),
    [
        ({}, True),
        ({"outcome": "held"}, True),
        ({"version": 2}, False),
        ({"attempts": 1}, False),
        ({"claimed_version": 1}, False),
        ({"outcome": "retrying"}, False),
    ],
)
def test_only_what_nobody_has_touched_is_taken_back(
    db: sqlite3.Connection, columns: dict[str, Any], gone: bool
) -> None:
    first, other = add(db), add(db, "pos")
    if columns:
        change(db, first, **columns)
    outbox.take_back(db, [first.id])
    assert (outbox.get(db, first.id) is None) is gone
    assert row(db, other) == other


def test_only_what_is_held_is_released(db: sqlite3.Connection) -> None:
    held, other = add(db, outcome=Outcome.HELD), add(db, "pos", Outcome.HELD)
    failed = change(db, add(db, "mail"), outcome="failed")
    assert outbox.release(db, ids([held, failed]), 200.0) == 1
    found = row(db, held)
    assert (found.outcome, found.next_attempt_at, found.updated_at) == ("pending", 200.0, 200.0)
    assert [row(db, other), row(db, failed)] == [other, failed]
