"""The outbox is read: rows, filters and pages."""

import sqlite3

import pytest

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, DeliveryFilter, Kind, Outcome, Waiting
from gateway.store import outbox
from tests.store.outbox.rows import HANAKO, TARO, add, change, ids, settle

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
