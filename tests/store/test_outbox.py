"""What single queries of the outbox promise."""

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, DeliveryFilter, Kind, NewDelivery, Outcome, Waiting
from gateway.store import links, outbox, retention
from gateway.store.outbox import AttemptResult
from tests.store.memory import a_connection, at_once, units_of

CUSTOMER = 7000000000001
DAY = 86400.0


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


def added(
    db: sqlite3.Connection,
    outcome: Outcome = Outcome.PENDING,
    *,
    customer: int = CUSTOMER,
    claimed: bool = False,
    now: float = 100.0,
) -> Delivery:
    new = NewDelivery("smaregi", Kind.REGISTRATION, outcome, claimed)
    return outbox.add(db, customer, "r1", [new], now)[0]


def ended(
    db: sqlite3.Connection, delivery: Delivery, outcome: Outcome, **more: object
) -> Delivery | None:
    end = AttemptResult(delivery.id, outcome, started_at=200.0, **more)  # type: ignore[arg-type]
    return outbox.settle(db, [end], 200.0).get(end.delivery_id)


def test_a_delivery_that_changed_under_way_is_not_delivered_but_goes_again(
    db: sqlite3.Connection,
) -> None:
    first = added(db, claimed=True)
    raised = added(db)
    assert (raised.id, raised.version, raised.claimed_version) == (first.id, 2, 1)
    after = ended(db, first, Outcome.DELIVERED, reference="1024", member_number="7")
    assert after is not None
    assert after.outcome is Outcome.PENDING
    assert [d.id for d in outbox.due(db, "smaregi", 300.0, 10, ())] == [first.id]
    link = links.get(db, "smaregi", CUSTOMER)
    assert link is not None, "what the channel has is known nevertheless"
    assert link.reference == "1024"


def test_a_discard_while_under_way_is_not_reopened_by_a_later_change(
    db: sqlite3.Connection,
) -> None:
    first = added(db, claimed=True)
    added(db)
    assert outbox.discard(db, first.id, "by a person", 150.0)
    newer = added(db)
    assert newer.id != first.id
    ended(db, first, Outcome.DELIVERED, reference="1024")
    stands = outbox.get(db, first.id)
    assert stands is not None
    assert not stands.outcome.is_open


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.RETRYING])
def test_a_discarded_delivery_stays_so_when_its_attempt_fails(
    db: sqlite3.Connection, outcome: Outcome
) -> None:
    first = added(db, claimed=True)
    outbox.discard(db, first.id, "by a person", 150.0)
    assert ended(db, first, outcome, error_class=ErrorClass.TIMEOUT, next_attempt_at=1.0) is None
    stands = outbox.get(db, first.id)
    assert stands is not None
    assert stands.outcome is Outcome.DISCARDED


def test_a_failed_delivery_begins_anew_with_a_new_change(db: sqlite3.Connection) -> None:
    first = added(db, claimed=True)
    ended(db, first, Outcome.FAILED, error_class=ErrorClass.CONFLICT)
    raised = added(db)
    assert raised.id == first.id
    assert (raised.outcome, raised.attempts) == (Outcome.PENDING, 0)


def test_an_uncounted_attempt_leaves_the_count_as_it_was(db: sqlite3.Connection) -> None:
    first = added(db, claimed=True)
    after = ended(db, first, Outcome.RETRYING, counted=False, next_attempt_at=300.0)
    assert after is not None
    assert after.attempts == 0
    assert [a["counted"] for a in outbox.attempts_of(db, first.id)] == [0]


def test_what_is_busy_does_not_hide_what_is_due_behind_it(db: sqlite3.Connection) -> None:
    ids = [added(db, customer=CUSTOMER + n, now=100.0 + n).id for n in range(6)]
    due = outbox.due(db, "smaregi", 1000.0, 3, set(ids[:4]))
    assert [d.id for d in due] == ids[4:]


def test_a_retry_is_not_due_before_its_time(db: sqlite3.Connection) -> None:
    first = added(db, claimed=True)
    ended(db, first, Outcome.RETRYING, error_class=ErrorClass.TIMEOUT, next_attempt_at=500.0)
    assert outbox.due(db, "smaregi", 499.0, 10, ()) == []
    assert [d.id for d in outbox.due(db, "smaregi", 500.0, 10, ())] == [first.id]
    assert outbox.due(db, "smaregi", 500.0, 10, (), retries=False) == []


def test_only_what_waited_for_it_is_woken(db: sqlite3.Connection) -> None:
    waits = added(db, claimed=True)
    ended(db, waits, Outcome.RETRYING, waiting=Waiting.INDEX, next_attempt_at=900.0)
    other = added(db, claimed=True, customer=CUSTOMER + 1)
    ended(db, other, Outcome.RETRYING, error_class=ErrorClass.TIMEOUT, next_attempt_at=900.0)
    assert outbox.wake(db, Waiting.INDEX, "smaregi", 300.0) == 1
    assert [d.id for d in outbox.due(db, "smaregi", 300.0, 10, ())] == [waits.id]


def test_a_second_delivery_raises_the_version_and_never_the_number_of_open_ones(
    db: sqlite3.Connection,
) -> None:
    for outcome in (Outcome.HELD, Outcome.PENDING, Outcome.HELD):
        added(db, outcome)
    (row,) = outbox.find(db, DeliveryFilter(), limit=10)
    assert row.version == 3


@pytest.mark.parametrize("outcome", list(Outcome))
def test_retention_takes_settled_rows_only(db: sqlite3.Connection, outcome: Outcome) -> None:
    row = added(db)
    db.execute("UPDATE deliveries SET outcome = ? WHERE id = ?", (outcome, row.id))
    db.execute(
        "INSERT INTO links (channel, customer_id, reference, created_at, updated_at)"
        " VALUES ('smaregi', ?, '1024', 100, 100)",
        (CUSTOMER,),
    )
    now = 100.0 + 31 * DAY
    gone = at_once(retention.expire(units_of(db), now - 30 * DAY, now))
    assert gone == (0 if outcome.is_open else 1)
    assert (outbox.get(db, row.id) is None) is not outcome.is_open
    assert links.get(db, "smaregi", CUSTOMER) is not None, "links are outside retention"


def test_retention_waits_for_its_day(db: sqlite3.Connection) -> None:
    row = added(db, claimed=True)
    ended(db, row, Outcome.DELIVERED, reference="1024")
    assert at_once(retention.expire(units_of(db), 200.0, 200.0 + 30 * DAY)) == 0
    assert at_once(retention.expire(units_of(db), 200.5, 200.5 + 30 * DAY)) == 1
    assert outbox.attempts_of(db, row.id) == []


def test_what_an_end_does_not_say_is_not_known() -> None:
    end = AttemptResult(1, Outcome.FAILED, started_at=1.0)
    assert (end.ahead, end.next_attempt_at, end.reference, end.reason) == (None,) * 4
    assert end.wakings == 0
