"""How points stand as a whole."""

import sqlite3

from gateway.store.points import drift, movements, orders

__all__ = ["of_points"]


def of_points(db: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int], int, int]:
    """Open movements by state, orders by state, points lacking, transactions that differ."""
    by_state, lacking = orders.counts(db)
    return movements.counts(db), by_state, lacking, drift.count(db)
