"""What is written down of an order: the difference, once, and no notice that is lost."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.smaregi.ledger import Recorded
from gateway.points.booking import Booking, book, is_ours, settle_lack, uuid_of
from gateway.points.drift import judge
from gateway.store.migration import migrate
from gateway.store.points import Movement, PointOrder, movements, orders

ORDER, MEMBER, NOW = 6_000_000_000_001, 7, 1000.0
PLACE = ("1", "999999999")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection, tmp_path / "none.db")
    yield connection
    connection.close()


def noticed(db: sqlite3.Connection) -> PointOrder:
    orders.notice(db, ORDER, NOW)
    found = orders.get(db, ORDER)
    assert found is not None
    return found


def booked(db: sqlite3.Connection, target: int, *, may_rise: bool = True) -> list[Movement]:
    row = replace(noticed(db), member_id=MEMBER, state="given", target=target, rule="{}")
    assert book(db, Booking(replace(row, due_at=None), may_rise, PLACE, first=False), NOW)
    return [one for one in movements.of_order(db, ORDER) if one.state != "void"]


def test_only_the_difference_is_moved(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.settle(db, one.id, "done", NOW, head_id="1")
    assert len(booked(db, 30)) == 1
    assert [each.points for each in booked(db, 12)] == [30, -18]
    assert [each.number for each in booked(db, 12)] == [1, 2]


def test_what_was_not_sent_yet_is_changed_instead_and_goes_if_nothing_is_left(
    db: sqlite3.Connection,
) -> None:
    assert [one.points for one in booked(db, 30)] == [30]
    assert [one.points for one in booked(db, 12)] == [12]
    assert booked(db, 0) == []
    assert [one.number for one in booked(db, 5)] == [1]


def test_what_is_on_its_way_is_not_changed(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    assert movements.sending(db, one, "transaction", None, NOW) is not None
    assert [each.points for each in booked(db, 12)] == [30, -18]
    assert movements.sending(db, one, "transaction", None, NOW) is None, "and not sent twice"


def test_what_is_not_paid_may_fall_and_does_not_rise(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.settle(db, one.id, "done", NOW)
    assert len(booked(db, 50, may_rise=False)) == 1
    assert [each.points for each in booked(db, 20, may_rise=False)] == [30, -10]


def test_a_movement_that_came_to_nothing_leaves_its_number(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.settle(db, one.id, "void", NOW)
    (again,) = booked(db, 30)
    assert (again.id != one.id, again.uuid) == (True, one.uuid)


def test_a_notice_while_an_order_is_read_keeps_it_due(db: sqlite3.Connection) -> None:
    read = noticed(db)
    orders.notice(db, ORDER, NOW + 1)
    orders.save(db, replace(read, due_at=None))
    assert [each.order_id for each in orders.due(db, NOW + 2, 10)] == [ORDER]
    orders.given_up(db, read, "unexpected", "text", NOW + 2)
    assert [each.order_id for each in orders.due(db, NOW + 2, 10)] == [ORDER]


def test_a_notice_is_not_lost_when_points_turn_out_to_be_lacking(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.settle(db, one.id, "done", NOW)
    taken = booked(db, 0)[-1]
    orders.notice(db, ORDER, NOW + 1)
    settle_lack(db, taken, 20, NOW + 1)
    row = orders.get(db, ORDER)
    assert row is not None
    assert (row.lacking, row.due_at) == (10, NOW + 1)
    assert [each.points for each in movements.of_order(db, ORDER)] == [30, -20]


def test_each_member_has_one_turn_the_oldest_first(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.sending(db, one, "transaction", None, NOW)
    booked(db, 10)
    assert [each.id for each in movements.turns(db, NOW, 10)] == [one.id]
    movements.settle(db, one.id, "stuck", NOW)
    assert movements.turns(db, NOW, 10) == []
    movements.settle(db, one.id, "done", NOW)
    assert [each.points for each in movements.turns(db, NOW, 10)] == [-20]


@given(st.integers(1, 36**9 - 1), st.integers(1, 36**2 - 1))
def test_a_number_has_13_characters_at_most_and_is_known_again(order: int, number: int) -> None:
    uuid = uuid_of(order, number)
    assert len(uuid) <= 13
    assert is_ours(uuid)
    assert uuid != uuid_of(order, number % 1295 + 1) or number == 1295


@pytest.mark.parametrize(
    "foreign", ["", "0123456789012", "E123-1", "e000000001-1", "E000000001-", "E00000000é-1"]
)
def test_a_tills_number_is_none_of_ours(foreign: str) -> None:
    assert not is_ours(foreign)


def test_a_number_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        uuid_of(36**9, 1)
    with pytest.raises(ValueError, match="larger"):
        uuid_of(1, 36**2)


def recorded(head_id: str, uuid: str, points: int = 30, *, cancelled: bool = False) -> Recorded:
    return Recorded(head_id, uuid, MEMBER, points, cancelled, NOW)


def test_drift_is_told_by_its_kind(db: sqlite3.Connection) -> None:
    (one,) = booked(db, 30)
    movements.settle(db, one.id, "done", NOW, head_id="1")
    ours = movements.get(db, one.id)
    assert ours is not None

    def kinds(*rows: Recorded) -> list[tuple[str, str]]:
        found = judge(rows, {"1": ours}, {ours.uuid: ours}, NOW)
        return [(each.head_id, each.kind) for each in found]

    assert kinds(recorded("1", ours.uuid), recorded("9", "0123456789012")) == []
    assert kinds(recorded("1", ours.uuid), recorded("2", ours.uuid)) == [("2", "twice")]
    assert kinds(recorded("2", ours.uuid, cancelled=True)) == []
    assert kinds(recorded("1", ours.uuid, cancelled=True)) == [("1", "cancelled")]
    assert kinds(recorded("1", ours.uuid, 31)) == [("1", "differs")]
    assert kinds(recorded("3", "E000000009-1")) == [("3", "unknown")]
