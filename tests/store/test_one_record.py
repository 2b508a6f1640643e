"""One record is one customer's: what becomes of an attempt that ends with somebody else's."""

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.errors import ErrorClass
from gateway.outcomes import DeliveryFilter, Kind, NewDelivery, Outcome
from gateway.store import links, outbox
from gateway.store.outbox import AttemptResult
from tests.store.memory import a_connection

ONE, TWO, THREE = 7000000000001, 7000000000002, 7000000000003


def link(db: sqlite3.Connection, channel: str, customer: int, record: str, at: float) -> None:
    db.execute(
        "INSERT INTO links (channel, customer_id, reference, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (channel, customer, record, at, at),
    )


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    link(connection, "smaregi", ONE, "1024", 10.0)
    yield connection
    connection.close()


def ended(
    db: sqlite3.Connection,
    kind: Kind = Kind.REGISTRATION,
    channel: str = "smaregi",
    instead_of: int | None = None,
) -> Outcome:
    new = NewDelivery(channel, kind, Outcome.PENDING, claimed=True)
    (made,) = outbox.add(db, TWO, None, [new], 20.0)
    end = AttemptResult(
        made.id, Outcome.DELIVERED, started_at=20.0, reference="1024", instead_of=instead_of
    )
    return outbox.settle(db, [end], 21.0)[made.id].outcome


def owner(db: sqlite3.Connection) -> int:
    found = links.of_reference(db, "smaregi", "1024")
    assert found is not None
    return found.customer_id


def test_a_record_of_another_customer_ends_as_a_conflict_and_stays_theirs(
    db: sqlite3.Connection,
) -> None:
    assert ended(db) is Outcome.FAILED
    (told,) = outbox.find(db, DeliveryFilter(), limit=9)
    assert told.error_class is ErrorClass.CONFLICT
    assert str(ONE) in (told.message or "")
    assert owner(db) == ONE
    assert links.get(db, "smaregi", TWO) is None


def test_the_link_of_a_customer_who_is_gone_gives_way(db: sqlite3.Connection) -> None:
    assert ended(db, instead_of=ONE) is Outcome.DELIVERED
    assert owner(db) == TWO
    assert links.get(db, "smaregi", ONE) is None


def test_only_that_one_gives_way(db: sqlite3.Connection) -> None:
    assert ended(db, instead_of=THREE) is Outcome.FAILED
    assert owner(db) == ONE


def test_of_several_that_end_together_only_the_one_with_anothers_record_fails(
    db: sqlite3.Connection,
) -> None:
    new = [NewDelivery(c, Kind.REGISTRATION, Outcome.PENDING, True) for c in ("smaregi", "crm")]
    (taken, free), (gone,) = (
        outbox.add(db, TWO, None, new, 20.0),
        outbox.add(db, THREE, None, new[:1], 20.0),
    )
    outbox.discard(db, gone.id, "by a person", 20.0)
    ends = [
        AttemptResult(each.id, outcome, started_at=20.0, reference=record)
        for each, outcome, record in (
            (gone, Outcome.RETRYING, None),
            (taken, Outcome.DELIVERED, "1024"),
            (free, Outcome.DELIVERED, "1024"),
        )
    ]
    settled = outbox.settle(db, ends, 21.0)
    assert {each: settled[each].outcome for each in settled} == {
        taken.id: Outcome.FAILED,
        free.id: Outcome.DELIVERED,
    }
    assert [outbox.attempts_of(db, end.delivery_id)[0]["outcome"] for end in ends] == [
        Outcome.RETRYING,
        Outcome.FAILED,
        Outcome.DELIVERED,
    ]


def test_the_same_id_in_another_channel_is_another_record(db: sqlite3.Connection) -> None:
    assert ended(db, channel="crm") is Outcome.DELIVERED


def test_a_removal_of_what_is_anothers_by_now_is_done(db: sqlite3.Connection) -> None:
    assert ended(db, Kind.REMOVAL) is Outcome.DELIVERED
    assert owner(db) == ONE


def test_the_database_itself_refuses_two_customers_for_a_record(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        link(db, "smaregi", TWO, "1024", 30.0)
