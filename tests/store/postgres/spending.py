"""Points that customers spend online."""

from dataclasses import replace
from typing import Any

from gateway.store.points import Reservation, movements, orders, reservations
from gateway.store.points import reservation_steps as steps
from tests.store.postgres.sign_ups import hashed
from tests.store.postgres.steps import Step, read, write

__all__ = ["SPENDING"]


def new(customer: int, code: str, **more: Any) -> steps.New:
    fields = {"member_id": customer, "points": 10, "yen": 10, "expires_at": 500.0, **more}
    return steps.New(customer, code=code, key_hash=hashed(code), body_hash=b"b", **fields)


ONE = Reservation(1, 7, 7, 10, 10, "c1", "pending", None, None, 0, None, None, None, 0, None, None,
                  None, 500.0, 1.0, 1.0)  # fmt: skip
OF_ONE = movements.NewMovement("r1", None, 1, 1, 7, -10, ("s", "t"), 5)
OF_TWO = movements.NewMovement("r2", None, 2, 1, 8, -10, ("s", "t"), 5)

SPENDING: tuple[Step, ...] = (
    read(reservations.any_of_them),
    write(steps.open_, new(7, "c1"), 1.0),
    write(steps.open_, new(7, "c1b"), 2.0),
    write(steps.open_, new(8, "c2"), 3.0),
    write(steps.open_, new(9, "c3"), 4.0),
    write(movements.add, OF_ONE, 5.0),
    write(movements.add, OF_TWO, 5.0),
    read(movements.of_reservation, 1),
    write(steps.withdraw, 2),
    write(steps.withdraw, 3),
    write(steps.refuse, 3, 6.0),
    read(reservations.get, 1),
    read(reservations.get, 9),
    read(reservations.by_key, [hashed("none"), hashed("c1")], 10.0),
    read(reservations.due, 600.0, 9),
    read(reservations.next_due),
    read(reservations.are_open),
    write(steps.tries, 1, 7.0),
    write(steps.has_moved, 1, 8.0),
    write(steps.set_state, ONE, "active", 400.0, 9.0),
    write(steps.set_state, ONE, "active", 400.0, 9.0),
    write(steps.put_off, replace(ONE, state="active"), 300.0),
    write(steps.put_off, replace(ONE, state="active"), None, "timeout", "late"),
    write(steps.lacks, 1, 5, 10.0, 200.0),
    write(steps.lacks, 1, 5, 10.0, 100.0),
    write(steps.lacks, 1, 5, 10.0, None),
    write(steps.wake_lacking, 7, 11.0),
    write(steps.wake, 1, 12.0),
    write(steps.take_up, 13.0),
    write(steps.close, 1, 14.0),
    write(steps.ended, replace(ONE, state="closing"), 60.0, 15.0),
    write(steps.use, 1, 100, 4, 16.0),
    write(steps.use, 1, 100, 6, 17.0),
    write(steps.use, 1, 101, 1, 17.0),
    write(steps.open_, new(8, "c4"), 18.0),
    write(steps.close, 4, 19.0),
    write(steps.release, 4, 20.0),
    write(steps.release, 4, 20.0),
    read(reservations.touching, 100, ["c4", "none"]),
    read(reservations.is_used, 1),
    read(reservations.used_points, 1),
    read(reservations.used_points, 4),
    read(reservations.of_customer, 7, 9),
    read(reservations.listed, None, 0, 9, lacking=True),
    read(reservations.listed, "used", 0, 9, lacking=False),
    read(reservations.counts),
    write(steps.open_, new(10, "c5"), 21.0),
    write(steps.open_, new(11, "c6"), 21.0),
    write(steps.move_customer, 10, 11, 22.0),
    write(steps.move_member, 10, 11),
    *(
        step
        for n in range(12)
        for step in (
            write(steps.open_, new(20, f"d{n}"), 30.0 + n),
            write(steps.close, 7 + n, 30.0 + n),
        )
    ),
    write(steps.expire_old, 1e9, 1e9, 9),
    write(orders.forget_all),
    read(reservations.counts),
)
