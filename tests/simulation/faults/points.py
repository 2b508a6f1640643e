"""Mends of points: moved by a merge, earned by orders, spent by customers."""

from tests.simulation.faults.sign_ups import MERELY_4XX
from tests.simulation.faults.taking_out import Change, Fault

__all__ = ["POINTS"]


POINTS: tuple[Fault, ...] = (
    Fault("4 points are gone that were taken although the answer was 4xx", "points", (MERELY_4XX,)),
    Fault(
        "a member is merged away to which somebody is just being linked",
        "points",
        (
            Change(
                "gateway.duplicates.member_merge:MemberMerge._begun",
                "await self._nobody_is_just_linked(found)",
                "found",
            ),
        ),
    ),
    Fault(
        "points that come as the absorbed member ends stay with it",
        "points",
        (
            Change(
                "gateway.duplicates.points:PointsTransfer.take",
                'merge.step, "taken"',
                '"begun", "taken"',
            ),
        ),
    ),
    Fault(
        "points that were refused are looked for",
        "earning",
        (
            Change("gateway.points.sender:Sender._leave", "if error.applied is False:", "if True:"),
            Change(
                "gateway.points.sender:Sender._send",
                'way == "transaction" and (found := await self._known(one))',
                "found := []",
            ),
        ),
    ),
    Fault(
        "an order that changes while it is read is read again",
        "earning",
        (Change("gateway.store.points.orders:save", "version = ?13 THEN", "1 THEN"),),
    ),
    Fault(
        "a flag that changes while it is written down is written down again",
        "earning",
        (
            Change(
                "gateway.points.switch:Switch.keep",
                "self._kept = read, period",
                "self._kept = self._changes, period",
            ),
        ),
    ),
    Fault(
        "a reservation whose points may be gone is not withdrawn",
        "spending",
        (
            Change(
                "gateway.store.points.reservation_steps:withdraw",
                "AND state = 'owed' AND attempts = 0 AND number = 1",
                "AND number = 1",
            ),
        ),
    ),
    Fault(
        "who has too few points gets no code",
        "spending",
        (Change("gateway.points.holding:lack", "if is_taking(one, movement):", "if False:"),),
    ),
    Fault(
        "what was given back is written with its movement",
        "spending",
        (
            Change(
                "gateway.points.keeper:ReservationKeeper._release",
                "balance_books(db, one.id, place, now)",
                "pass",
            ),
        ),
    ),
    Fault(
        "an order that was found late is taken from what was given back",
        "spending",
        (
            Change(
                "gateway.points.keeper:ReservationKeeper._decide",
                "elif found := await self._orders(one):",
                "elif found := []:",
            ),
            Change(
                "gateway.points.holding:_target",
                "reservations.used_points(db, one.id)",
                "0 if own_movements(db, one.id)[-1].points > 0 else "
                "reservations.used_points(db, one.id)",
            ),
        ),
    ),
)
