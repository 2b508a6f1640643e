"""A listing of the outbox that is ordered by what changes: each page, and where the next begins."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.outcomes import DeliveryFilter, Kind, NewDelivery, Outcome, Sort
from gateway.store import outbox
from gateway.store.outbox import queries
from tests.store.memory import a_connection

ALL = DeliveryFilter()


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


def rows(db: sqlite3.Connection, column: str, *values: float | None) -> None:
    """One of each value, with the ids 1, 2, ..."""
    for number, value in enumerate(values, 1):
        new = NewDelivery("crm" if number % 2 else "mail", Kind.BACKFILL, Outcome.PENDING)
        (delivery,) = outbox.add(db, number, None, [new], 1.0)
        db.execute(f"UPDATE deliveries SET {column} = ? WHERE id = ?", (value, delivery.id))


def listed(
    db: sqlite3.Connection, sort: Sort, size: int, chosen: DeliveryFilter = ALL
) -> list[list[int]]:
    """The ids of each page."""
    pages, after = list[list[int]](), None
    while True:
        page, after = outbox.page(db, chosen, sort, after, size)
        pages.append([each.id for each in page])
        if after is None:
            return pages


def test_the_next_try_comes_first_and_what_has_no_time_last(db: sqlite3.Connection) -> None:
    rows(db, "next_attempt_at", 30.0, 10.0, None, 10.0, None, 20.0)
    assert listed(db, Sort.NEXT, 2) == [[2, 4], [6, 1], [3, 5]]
    assert listed(db, Sort.NEXT, 6) == [[2, 4, 6, 1, 3, 5]], "there is no empty page at the end"
    assert listed(db, Sort.NEXT, 5) == [[2, 4, 6, 1, 3], [5]]


def test_the_most_tries_come_first_and_of_as_many_the_newest(db: sqlite3.Connection) -> None:
    rows(db, "attempts", 1, 3, 0, 3, 1)
    assert listed(db, Sort.TRIES, 2) == [[4, 2], [5, 1], [3]]


def test_a_listing_shows_what_was_chosen_alone(db: sqlite3.Connection) -> None:
    rows(db, "attempts", 1, 2, 3, 4)
    assert listed(db, Sort.TRIES, 1, DeliveryFilter(channels=("mail",))) == [[4], [2]]


def test_a_place_says_by_what_and_by_which_id_the_next_page_goes_on(
    db: sqlite3.Connection,
) -> None:
    rows(db, "next_attempt_at", 0.5, 2.0, 3.0)
    assert outbox.page(db, ALL, Sort.NEXT, None, 1)[1] == "0.5:1"
    assert [each.id for each in outbox.page(db, ALL, Sort.NEXT, "0", 9)[0]] == [1, 2, 3]


@pytest.mark.parametrize("place", ["", "x:1", "1.0:x"])
def test_what_is_no_place_is_refused(db: sqlite3.Connection, place: str) -> None:
    with pytest.raises(ValueError):
        outbox.page(db, ALL, Sort.NEXT, place, 1)


@pytest.mark.parametrize(
    ("oldest_first", "ends"), [(True, [2, 4, 5, None]), (False, [4, 2, 1, None])]
)
def test_a_page_ends_with_the_last_that_is_looked_at(
    db: sqlite3.Connection, oldest_first: bool, ends: list[int | None]
) -> None:
    rows(db, "attempts", 0, 0, 0, 0, 0)
    found, after = list[int | None](), None
    while len(found) < len(ends):
        after = queries.page_end(db, after, 2, oldest_first=oldest_first)
        found.append(after)
        after = after or found[-2]
    assert found == ends


def test_what_is_chosen_may_be_a_kind_and_the_upstreams_reason_or_none(
    db: sqlite3.Connection,
) -> None:
    rows(db, "reason", None, None, None)
    db.execute("UPDATE deliveries SET kind = 'update' WHERE id = 2")
    db.execute("UPDATE deliveries SET reason = 'LIMIT' WHERE id = 3")

    def chosen(**parts: Any) -> list[int]:
        found = outbox.find(db, DeliveryFilter(**parts), limit=9, oldest_first=True)
        return [each.id for each in found]

    assert chosen(kinds=(Kind.UPDATE,)) == [2]
    assert chosen(reason="LIMIT") == [3]
    assert chosen(reason="") == [1, 2]
    (limited,) = outbox.find(db, DeliveryFilter(ids=(3,)), limit=1)
    assert limited.reason == "LIMIT"


def test_open_ones_are_paged_by_customer_and_channel(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for customer, channel in ((1, "crm"), (1, "mail"), (1, "pos"), (2, "crm")):
        outbox.add(db, customer, None, [NewDelivery(channel, Kind.BACKFILL, Outcome.HELD)], 1.0)
    outbox.add(db, 3, None, [NewDelivery("crm", Kind.BACKFILL, Outcome.SKIPPED)], 1.0)
    ends, end = list[object](), outbox.open_end(db, outbox.FIRST)
    while end is not None:
        ends.append(end)
        end = outbox.open_end(db, end)
    assert ends == [(1, "mail"), (2, "crm")]


def test_the_sets_of_outcomes_are_written_as_in_the_indexes() -> None:
    assert queries.IS_OPEN == (
        "(outcome = 'pending' OR outcome = 'retrying' OR outcome = 'failed' OR outcome = 'held')"
    )
    assert queries.AUTOMATIC_SQL == "('pending', 'retrying')"
    assert queries.SETTLED_SQL == "('delivered', 'skipped', 'dry_run', 'discarded')"
