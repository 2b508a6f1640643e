"""The outbox query by query: which rows each takes, what it writes, and what it leaves alone."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.delivery.retry import RetryDecision
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, DeliveryFilter, Kind, Match, NewDelivery, Outcome, Waiting
from gateway.request_id import on_behalf_of
from gateway.store import links, outbox
from gateway.store.outbox import AttemptResult
from tests.store.memory import a_connection

TARO, HANAKO = 7000000000001, 7000000000002


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


def add(
    db: sqlite3.Connection,
    channel: str = "crm",
    outcome: Outcome = Outcome.PENDING,
    *,
    customer: int = TARO,
    kind: Kind = Kind.REGISTRATION,
    now: float = 100.0,
    registration: str | None = "r1",
    **more: Any,
) -> Delivery:
    new = NewDelivery(channel, kind, outcome, **more)
    return outbox.add(db, customer, registration, [new], now)[0]


def change(db: sqlite3.Connection, delivery: Delivery, **columns: Any) -> Delivery:
    columns = {"id": delivery.id, **columns}
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE deliveries SET {names} WHERE id = ?", (*columns.values(), delivery.id))
    return row(db, delivery)


def row(db: sqlite3.Connection, delivery: Delivery) -> Delivery:
    found = outbox.get(db, delivery.id)
    assert found is not None
    return found


def ids(rows: Iterable[Delivery]) -> list[int]:
    return [each.id for each in rows]


# -- writing


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


# -- what is due


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


def kept(db: sqlite3.Connection) -> list[int]:
    found = db.execute("SELECT id FROM deliveries WHERE kept_back = 1 ORDER BY id")
    return [each[0] for each in found]


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


# -- settling


def _link(db: sqlite3.Connection, channel: str, customer: int, **columns: Any) -> None:
    whole = {
        "channel": channel,
        "customer_id": customer,
        "reference": f"{channel}-{customer}",
        "created_at": 1.0,
        "updated_at": 1.0,
        **columns,
    }
    places = ", ".join("?" * len(whole))
    db.execute(f"INSERT INTO links ({', '.join(whole)}) VALUES ({places})", tuple(whole.values()))


def settle(db: sqlite3.Connection, delivery: Delivery, outcome: Outcome, **more: Any) -> Delivery:
    end = AttemptResult(delivery.id, outcome, started_at=150.0, **more)
    return outbox.settle(db, [end], 200.0)[delivery.id]


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


def link_of(db: sqlite3.Connection, channel: str = "crm", customer: int = TARO) -> Any:
    return links.get(db, channel, customer)


def test_a_record_that_was_made_is_linked_with_all_that_is_known_of_it(
    db: sqlite3.Connection,
) -> None:
    first, second = add(db, claimed=True), add(db, "pos", claimed=True)
    ends = [
        AttemptResult(
            first.id,
            Outcome.DELIVERED,
            started_at=1.0,
            reference="77",
            member_number="900",
            old_number="12",
            old_place="note",
            fingerprints={"name": "s0"},
            unproven=b"hash",
        ),
        AttemptResult(second.id, Outcome.DELIVERED, started_at=1.0, reference="78"),
    ]
    outbox.settle(db, ends, 200.0)
    link = link_of(db)
    assert (link.reference, link.member_number, link.fingerprints) == ("77", "900", {"name": "s0"})
    assert (link.old_number, link.old_place, link.unproven) == ("12", "note", b"hash")
    assert (link_of(db, "pos").reference, link_of(db, "pos").fingerprints) == ("78", None)
    times = db.execute("SELECT created_at, updated_at FROM links WHERE channel = 'crm'").fetchone()
    assert tuple(times) == (200.0, 200.0)


def test_a_link_whose_proof_is_there_is_released_at_once(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO proofs VALUES (?, ?, 0)", (TARO, b"hash"))
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="77", unproven=b"hash")
    assert link_of(db).unproven is None


@pytest.mark.parametrize(
    ("reference", "kept"),
    [("77", ("900", "12", "note", b"old")), ("78", ("900", None, None, None))],
)
def test_a_link_that_is_made_again_keeps_what_is_of_the_same_record(
    db: sqlite3.Connection, reference: str, kept: tuple[object, ...]
) -> None:
    _link(
        db,
        "crm",
        TARO,
        reference="77",
        member_number="900",
        old_number="12",
        old_place="note",
        unproven=b"old",
        fingerprints='{"name": "b0"}',
    )
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference=reference)
    link = link_of(db)
    assert (link.reference, link.fingerprints) == (reference, {"name": "b0"})
    assert (link.member_number, link.old_number, link.old_place, link.unproven) == kept


def test_a_link_that_was_there_is_refreshed_and_one_that_has_gone_stays_gone(
    db: sqlite3.Connection,
) -> None:
    _link(db, "crm", TARO, reference="77")
    settle(
        db,
        add(db, claimed=True),
        Outcome.DELIVERED,
        reference="77",
        was_linked=True,
        member_number="900",
        old_number="12",
        old_place="note",
        fingerprints={"name": "s0"},
    )
    link = link_of(db)
    assert (link.member_number, link.fingerprints) == ("900", {"name": "s0"})
    assert (link.old_number, link.old_place) == ("12", "note")
    settle(db, add(db, "pos", claimed=True), Outcome.DELIVERED, reference="78", was_linked=True)
    assert link_of(db, "pos") is None


@pytest.mark.parametrize(
    ("outcome", "fields", "linked"),
    [
        (Outcome.DELIVERED, None, True),
        (Outcome.HELD, {}, True),
        (Outcome.RETRYING, None, False),
        (Outcome.DRY_RUN, None, False),
    ],
)
def test_only_a_record_of_which_something_is_known_is_linked(
    db: sqlite3.Connection, outcome: Outcome, fields: dict[str, str] | None, linked: bool
) -> None:
    settle(db, add(db, claimed=True), outcome, reference="77", fingerprints=fields)
    assert (link_of(db) is not None) is linked
    settle(db, add(db, "pos", claimed=True), Outcome.DELIVERED)
    assert link_of(db, "pos") is None, "without a reference there is nothing to link"


def test_a_removal_takes_its_own_link_and_no_other(db: sqlite3.Connection) -> None:
    _link(db, "crm", TARO, reference="77")
    _link(db, "pos", TARO, reference="80")
    removal = add(db, kind=Kind.REMOVAL, claimed=True)
    settle(db, removal, Outcome.DELIVERED, reference="77", match=Match())
    assert link_of(db) is None
    other = add(db, "pos", kind=Kind.REMOVAL, claimed=True)
    settle(db, other, Outcome.DELIVERED, reference="81")
    assert link_of(db, "pos").reference == "80"


def test_one_record_is_one_customers(db: sqlite3.Connection) -> None:
    _link(db, "crm", HANAKO, reference="77")
    good = add(db, "pos", claimed=True)
    first = add(db, claimed=True)
    ends = [
        AttemptResult(good.id, Outcome.DELIVERED, started_at=1.0, reference="77"),
        AttemptResult(
            first.id,
            Outcome.DELIVERED,
            started_at=150.0,
            duration=0.5,
            reference="77",
            content_hash="hash",
            action="linked",
        ),
    ]
    settled = outbox.settle(db, ends, 200.0)
    found = settled[first.id]
    assert (found.outcome, found.error_class, found.content_hash) == ("failed", "conflict", "hash")
    assert found.message == f"another customer ({HANAKO}) is linked to record 77"
    assert (found.reference, found.action) == (None, None)
    (attempt,) = outbox.attempts_of(db, first.id)
    assert (attempt["started_at"], attempt["duration"], attempt["outcome"]) == (
        150.0,
        0.5,
        "failed",
    )
    assert settled[good.id].outcome is Outcome.DELIVERED, "of another channel"
    assert link_of(db, "crm", HANAKO).reference == "77"
    assert link_of(db) is None


def test_a_record_of_one_who_is_gone_goes_to_who_took_it_over(db: sqlite3.Connection) -> None:
    _link(db, "crm", HANAKO, reference="77")
    _link(db, "crm", 5, reference="79")
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="77", instead_of=HANAKO)
    assert (link_of(db).reference, link_of(db, "crm", HANAKO)) == ("77", None)
    found = settle(
        db, add(db, customer=6, claimed=True), Outcome.DELIVERED, reference="79", instead_of=HANAKO
    )
    assert found.outcome is Outcome.FAILED, "it is not that customer's"


@pytest.mark.parametrize(
    ("more", "kind"), [({"was_linked": True}, Kind.UPDATE), ({}, Kind.REMOVAL)]
)
def test_neither_a_removal_nor_a_known_link_is_a_conflict(
    db: sqlite3.Connection, more: dict[str, bool], kind: Kind
) -> None:
    _link(db, "crm", HANAKO, reference="77")
    found = settle(db, add(db, kind=kind, claimed=True), Outcome.DELIVERED, reference="77", **more)
    assert found.outcome is Outcome.DELIVERED
    assert link_of(db, "crm", HANAKO).reference == "77"


def test_how_a_member_was_found_is_kept_for_the_list_of_duplicates(db: sqlite3.Connection) -> None:
    settle(
        db,
        add(db, "pos", claimed=True),
        Outcome.DELIVERED,
        reference="77",
        match=Match((78,)),
    )
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="90")
    found = db.execute("SELECT member_id, customer_id FROM duplicate_queue").fetchall()
    assert [tuple(each) for each in found] == [(77, TARO)]


# -- reading


FULL = {
    "error_class": "timeout",
    "message": "slow",
    "attempts": 3,
    "version": 4,
    "claimed_version": 2,
    "waiting": "index",
    "urgent": 1,
    "content_hash": "hash",
    "plan": '{"id": 3}',
    "action": "created",
    "reference": "77",
    "adjustments": '[{"field": "name"}]',
    "created_at": 1.0,
    "updated_at": 2.0,
    "next_attempt_at": 3.0,
    "outcome": "retrying",
    "kind": "update",
}


def test_a_row_is_read_whole(db: sqlite3.Connection) -> None:
    assert change(db, add(db), **FULL) == Delivery(
        id=1,
        registration_id="r1",
        customer_id=TARO,
        channel="crm",
        kind=Kind.UPDATE,
        outcome=Outcome.RETRYING,
        error_class=ErrorClass.TIMEOUT,
        message="slow",
        attempts=3,
        version=4,
        claimed_version=2,
        waiting=Waiting.INDEX,
        urgent=True,
        content_hash="hash",
        plan={"id": 3},
        action="created",
        reference="77",
        adjustments=({"field": "name"},),
        created_at=1.0,
        updated_at=2.0,
        next_attempt_at=3.0,
    )
    assert outbox.get(db, 99) is None


def test_whether_somebody_was_ever_owed_to_some_channels(db: sqlite3.Connection) -> None:
    change(db, add(db), outcome="delivered")
    assert outbox.any_of(db, TARO, ["pos", "crm"])
    assert not outbox.any_of(db, TARO, ["pos", "mail"])
    assert not outbox.any_of(db, HANAKO, ["crm"])


def test_the_deliveries_of_a_registration_in_their_order(db: sqlite3.Connection) -> None:
    first, second = add(db, "crm"), add(db, "pos")
    add(db, "mail", registration="r2")
    assert outbox.of_registration(db, "r1") == [first, second]
    assert outbox.of_registration(db, "r3") == []


def test_open_deliveries_by_customer_and_channel(db: sqlite3.Connection) -> None:
    first, second = add(db), add(db, "pos")
    third = add(db, customer=HANAKO)
    change(db, add(db, "mail"), outcome="delivered")
    add(db, customer=5)
    assert outbox.open_of(db, [TARO, HANAKO]) == {
        (TARO, "crm"): first,
        (TARO, "pos"): second,
        (HANAKO, "crm"): third,
    }
    assert outbox.open_of(db, []) == {}


def test_pages_go_down_from_the_newest_or_up_from_the_oldest(db: sqlite3.Connection) -> None:
    for number in range(1, 6):
        add(db, customer=number)
    everything = DeliveryFilter()
    assert ids(outbox.find(db, everything, limit=2)) == [5, 4]
    assert ids(outbox.find(db, everything, limit=2, after=4)) == [3, 2]
    assert ids(outbox.find(db, everything, limit=2, oldest_first=True)) == [1, 2]
    assert ids(outbox.find(db, everything, limit=9, after=2, oldest_first=True)) == [3, 4, 5]


def test_what_was_tried_since_is_passed_over(db: sqlite3.Connection) -> None:
    first, second, third = (add(db, customer=n, claimed=True) for n in (1, 2, 3))
    settle(db, first, Outcome.RETRYING)
    began = outbox.last_attempt(db)
    assert began == 1
    settle(db, second, Outcome.RETRYING)
    found = outbox.find(db, DeliveryFilter(), limit=9, untouched_since=began)
    assert ids(found) == ids([third, first])
    found = outbox.find(db, DeliveryFilter(), limit=9, untouched_since=0)
    assert ids(found) == [third.id]


CHOSEN = [
    (DeliveryFilter(), [1, 2, 3, 4]),
    (DeliveryFilter(channels=("crm", "pos")), [1, 2, 3]),
    (DeliveryFilter(channels=("pos",)), [2]),
    (DeliveryFilter(outcomes=(Outcome.FAILED, Outcome.HELD)), [2, 3]),
    (DeliveryFilter(error_classes=(ErrorClass.CONFLICT, ErrorClass.TIMEOUT)), [2]),
    (DeliveryFilter(ids=(1, 4)), [1, 4]),
    (DeliveryFilter(since=200.0), [2, 3, 4]),
    (DeliveryFilter(until=200.0), [1, 2]),
    (DeliveryFilter(since=150.0, until=300.0), [2, 3]),
    (DeliveryFilter(customer_id=HANAKO), [3]),
    (DeliveryFilter(channels=("crm",), customer_id=TARO), [1]),
]


@pytest.mark.parametrize(("chosen", "found"), CHOSEN)
def test_every_part_of_a_filter_holds(
    db: sqlite3.Connection, chosen: DeliveryFilter, found: list[int]
) -> None:
    add(db, "crm")
    change(db, add(db, "pos", now=200.0), outcome="failed", error_class="conflict")
    add(db, "crm", Outcome.HELD, customer=HANAKO, now=300.0)
    add(db, "mail", now=400.0)
    assert ids(outbox.find(db, chosen, limit=9, oldest_first=True)) == found
    assert outbox.ids(db, chosen, 0, 4) == found
    assert outbox.ids(db, chosen, 1, 3) == [number for number in found if number in {2, 3}]


def test_a_page_of_numbers_ends_after_three_hundred_rows(db: sqlite3.Connection) -> None:
    assert outbox.page_end(db, 0) is None
    for number in range(1, 303):
        add(db, customer=number)
    assert outbox.page_end(db, 0) == 300
    assert outbox.page_end(db, 2) == 302
    assert outbox.page_end(db, 302) is None
