"""What a reservation has taken follows what it is to take: all of its points while it is open, then
as many as orders have used.
"""

import sqlite3

from gateway.points.booking import Account, again_at, move
from gateway.store.points import Movement, Reservation, movements, reservation_steps, reservations

__all__ = ["account_of", "balance_books", "is_taking", "lack", "own_movements"]

_OPEN = {"pending", "active", "closing"}


def account_of(one: Reservation) -> Account:
    return Account(one.member_id, reservation_id=one.id, code=one.code)


def own_movements(db: sqlite3.Connection, reservation_id: int) -> list[Movement]:
    """Those that were done, or may be."""
    found = movements.of_reservation(db, reservation_id)
    return [each for each in found if each.state != "void"]


def is_taking(one: Reservation, movement: Movement) -> bool:
    """Whether it is the one by which the points are taken at first."""
    return one.state in {"pending", "closing"} and movement.points < 0


def _target(db: sqlite3.Connection, one: Reservation) -> int:
    """Points that it is to have taken."""
    return one.points if one.state in _OPEN else reservations.used_points(db, one.id)


def balance_books(
    db: sqlite3.Connection, reservation_id: int, place: tuple[str, str], now: float
) -> None:
    """The difference is one more movement. `place`: store and terminal."""
    one = reservations.get(db, reservation_id)
    if one is None:
        return
    own = own_movements(db, one.id)
    if one.state in _OPEN and not own:
        return  # a person says that they were not taken
    difference = -sum(each.points for each in own) - _target(db, one)
    if difference:
        move(db, account_of(one), own, difference, place, now)
    since = one.lacking_since if difference else None
    reservation_steps.lacks(db, one.id, 0, since, None)


def lack(db: sqlite3.Connection, movement: Movement, balance: int, now: float) -> None:
    """The member has fewer points than are to be taken. At first nothing is taken then; for what an
    order has used already what is there is, and the rest lacks.
    """
    one = reservations.get(db, movement.reservation_id or 0)
    if one is None:
        return
    if is_taking(one, movement):
        if movements.change_points(db, movement.id, 0, now):
            reservation_steps.refuse(db, one.id, now)
        return
    if not movements.change_points(db, movement.id, -balance, now):
        return
    since = one.lacking_since or now
    lacking = one.lacking - movement.points - balance
    reservation_steps.lacks(db, one.id, lacking, since, again_at(since, now))
