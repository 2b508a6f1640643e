"""What a database that was put back to an older day cannot know of a movement."""

import sqlite3

from gateway.store import rewinding
from gateway.store.points import Movement, movements, orders, reservations

__all__ = ["DOUBT", "is_doubtful", "made_at"]

DOUBT = (
    "the database was put back to a backup, and Smaregi cannot be asked whether it was done since"
)


def is_doubtful(db: sqlite3.Connection, one: Movement, seen_since: float) -> bool:
    """Whether it may have been done in a time that the database has forgotten, and no look shows
    it. `seen_since`: what was made since then is shown. Not once a person has settled what it is
    for.
    """
    rewound = rewinding.rewound_at(db)
    made = made_at(db, one) or one.created_at
    if rewound is None or made > min(rewound, seen_since):
        return False
    own = [each for each in movements.beside(db, one) if each.updated_at >= rewound]
    return not any(_is_settled_by_hand(each) for each in own)


def _is_settled_by_hand(one: Movement) -> bool:
    return one.state == "void" or (one.state == "done" and one.head_id is None)


def made_at(db: sqlite3.Connection, one: Movement) -> float | None:
    """Its order or its reservation."""
    if one.order_id is not None:
        order = orders.get(db, one.order_id)
        return order.made_at if order is not None else None
    held = reservations.get(db, one.reservation_id or 0)
    return held.created_at if held is not None else None
