"""Points: orders, movements, and what differs."""

from dataclasses import replace
from typing import Any

from gateway.store.points import Movement, PointOrder, counts, drift, known, movements, orders
from tests.store.postgres.steps import Step, read, write

__all__ = ["POINTS"]

ORDER = PointOrder(
    1, 7, 1, "given", "", "{}", 100, 5, 1.0, False, 2, 2.0, 3.0, 4.0, 0, None, None, 50.0, 1.0, 9.0
)


def moved(number: int, **more: Any) -> Movement:
    """As it stands in the table, for what is passed back."""
    one = Movement(
        number,
        f"u{number}",
        1,
        None,
        number,
        1,
        10,
        "owed",
        None,
        "s",
        "t",
        5,
        None,
        None,
        None,
        0,
        None,
        1.0,
        1.0,
        1.0,
    )
    return replace(one, **more)


def new(number: int, order: int = 1, member: int = 1) -> movements.NewMovement:
    return movements.NewMovement(f"u{number}", order, None, number, member, 10, ("s", "t"), 5)


POINTS: tuple[Step, ...] = (
    write(orders.notice, 1, 1.0),
    write(orders.notice, 1, 2.0, asked=True),
    write(orders.notice, 2, 2.0, known=True),
    *(write(orders.notice, number, 3.0) for number in (3, 4, 5)),
    write(orders.save, ORDER),
    write(
        orders.save,
        replace(
            ORDER,
            order_id=3,
            version=1,
            state="waiting",
            reason="no_member",
            due_at=None,
            lacking=0,
        ),
    ),
    read(orders.get, 1),
    read(orders.get, 9),
    read(orders.due, 100.0, 9),
    read(orders.next_due),
    write(orders.put_off, 4, 60.0, "timeout", "late", counted=True),
    write(orders.given_up, replace(ORDER, order_id=4, version=1), "timeout", "late", 61.0),
    write(orders.given_up, replace(ORDER, order_id=5, version=1), "timeout", "late", 61.0),
    write(orders.take_up, 62.0),
    write(orders.wake_linked, "smaregi", 63.0),
    write(orders.wake_state, "failed", 64.0),
    write(orders.has_moved, 1),
    write(orders.wake_lacking, 1, 65.0),
    read(orders.is_behind, 1, 1.0, 2.0),
    read(orders.of_customer, 7, 9),
    read(orders.listed, None, 0, 9, lacking=False),
    read(orders.listed, "waiting", 0, 9, lacking=True),
    write(movements.add, new(1), 70.0),
    write(movements.add, new(2), 71.0),
    write(movements.add, new(3, 4, 2), 72.0),
    write(movements.add, new(4, 5, 3), 72.0),
    read(movements.turns, 100.0, 9),
    read(movements.is_turn, 2),
    read(movements.next_at),
    write(movements.change_points, 2, 20, 73.0),
    write(movements.change_points, 4, 0, 73.0),
    write(movements.sending, moved(1), "transaction", 100, 74.0),
    write(movements.sending, moved(2, points=99), "add", None, 74.0),
    read(movements.any_sent, 2),
    write(movements.put_off, 1, 80.0, "later"),
    write(movements.put_off, 1, 75.0, "later"),
    write(movements.later, 1, 81.0, None),
    write(movements.remember_head, 1, "h1", 76.0),
    write(movements.return_to_owed, 1, 82.0, "again", counted=False),
    write(movements.sending, moved(1), "add", None, 83.0),
    read(movements.is_moving, [1, 2]),
    read(movements.get, 1),
    read(movements.of_order, 1),
    read(known.known_heads, ["h1", "h2"]),
    read(known.by_uuids, ["u1", "u9"]),
    read(movements.listed, ["owed", "sent"], 0, 9),
    read(movements.is_stuck, 1),
    read(movements.beside, moved(1)),
    write(movements.settle, 1, "done", 84.0, head_id="h1"),
    write(movements.settle, 1, "done", 84.0),
    write(movements.adopt, moved(3), 2, 30, "h3", 85.0),
    read(movements.counts),
    write(movements.take_up, 86.0),
    write(drift.add, [drift.Drift("h9", "twice", "u9", None, 5, None, 87.0)] * 2),
    read(drift.listed),
    read(drift.count),
    read(counts.of_points),
    read(orders.counts),
    write(orders.move_customer, 7, 8),
    write(orders.move_order, 5, 3),
    write(orders.move_member, 1, 3),
    write(orders.expire, 1e9, 90.0),
    write(orders.expire_old, 1e9, 1e9, 9),
    write(drift.forget, ["h9", "h8"]),
    write(orders.forget_all),
    read(orders.counts),
)
