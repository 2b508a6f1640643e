"""How points stand as a whole."""

import sqlite3

from gateway.store.points import drift, movements, orders, reservations

__all__ = ["of_points"]


def of_points(
    db: sqlite3.Connection,
) -> tuple[dict[str, int], dict[str, int], dict[str, int], int, int]:
    """Open movements by state, orders by state, reservations by state, points lacking, transactions
    that differ.
    """
    by_state, lacking = orders.counts(db)
    reserved, lacking_too = reservations.counts(db)
    return movements.counts(db), by_state, reserved, lacking + lacking_too, drift.count(db)
