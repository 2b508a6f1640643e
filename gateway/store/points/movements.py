"""Queries on movements of points."""

import sqlite3
from collections.abc import Iterable

from gateway import frozen
from gateway.store.points.records import MOVEMENT_COLUMNS, Movement, State, Way, movement_of

__all__ = [
    "NewMovement",
    "add",
    "adopt",
    "any_sent",
    "beside",
    "change_points",
    "counts",
    "get",
    "is_moving",
    "is_stuck",
    "is_turn",
    "later",
    "listed",
    "next_at",
    "of_order",
    "of_reservation",
    "put_off",
    "remember_head",
    "return_to_owed",
    "sending",
    "settle",
    "take_up",
    "turns",
]

_OPEN = "('owed', 'sent', 'stuck')"
_SELECT = f"SELECT {MOVEMENT_COLUMNS} FROM points_movements"  # noqa: S608
_FAR = 2 * 86400.0
"""Seconds: nothing is put off further, so what lies beyond was written by a wrong clock."""


def get(db: sqlite3.Connection, movement_id: int) -> Movement | None:
    row = db.execute(f"{_SELECT} WHERE id = ?", (movement_id,)).fetchone()
    return movement_of(row) if row else None


def of_reservation(db: sqlite3.Connection, reservation_id: int) -> list[Movement]:
    """All of a reservation's, void ones too, the oldest first."""
    rows = db.execute(f"{_SELECT} WHERE reservation_id = ? ORDER BY id", (reservation_id,))
    return [movement_of(row) for row in rows]


def of_order(db: sqlite3.Connection, order_id: int) -> list[Movement]:
    """All of an order's, void ones too, the oldest first."""
    rows = db.execute(f"{_SELECT} WHERE order_id = ? ORDER BY id", (order_id,))
    return [movement_of(row) for row in rows]


def beside(db: sqlite3.Connection, one: Movement) -> list[Movement]:
    """All of the same order or reservation, as `of_order`."""
    if one.order_id is not None:
        return of_order(db, one.order_id)
    return of_reservation(db, one.reservation_id or 0)


@frozen
class NewMovement:
    """`place`: store and terminal; `tran_at` in whole Unix seconds."""

    uuid: str
    order_id: int | None
    reservation_id: int | None
    number: int
    member_id: int
    points: int
    place: tuple[str, str]
    tran_at: int


def add(db: sqlite3.Connection, new: NewMovement, now: float) -> None:
    """It is owed from now on."""
    db.execute(
        """INSERT INTO points_movements
               (uuid, order_id, reservation_id, number, member_id, points, state, store_id,
                terminal_id, tran_at, next_at, created_at, updated_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'owed', ?7, ?8, ?9, ?10, ?10, ?10)""",
        (
            new.uuid,
            new.order_id,
            new.reservation_id,
            new.number,
            new.member_id,
            new.points,
            *new.place,
            new.tran_at,
            now,
        ),
    )


def change_points(db: sqlite3.Connection, movement_id: int, points: int, now: float) -> bool:
    """One that was never sent, or certainly came to nothing, is of so many points; of none it is
    gone. False if it is on its way.
    """
    if points == 0:
        return bool(
            db.execute(
                "DELETE FROM points_movements WHERE id = ? AND state = 'owed'", (movement_id,)
            ).rowcount
        )
    return bool(
        db.execute(
            """UPDATE points_movements SET points = ?, updated_at = ?
               WHERE id = ? AND state = 'owed'""",
            (points, now, movement_id),
        ).rowcount
    )


_TURN = f"""m.state IN ('owed', 'sent')
    AND NOT EXISTS (SELECT 1 FROM points_movements AS e
                    WHERE e.member_id = m.member_id AND e.state IN {_OPEN} AND e.id < m.id)
    AND NOT EXISTS (SELECT 1 FROM merges WHERE step NOT IN ('begun', 'done')
                    AND m.member_id IN (survivor, absorbed))"""  # noqa: S608
"""Of each member the oldest that is open, unless a person must settle it or a merge is on."""


def turns(db: sqlite3.Connection, now: float, limit: int) -> list[Movement]:
    """Those whose turn it is and whose time has come, the oldest first."""
    rows = db.execute(
        f"""{_SELECT} AS m
            WHERE {_TURN} AND (m.next_at <= ?1 OR m.next_at > ?1 + ?3)
            ORDER BY m.id LIMIT ?2""",
        (now, limit, _FAR),
    )
    return [movement_of(row) for row in rows]


def is_turn(db: sqlite3.Connection, movement_id: int) -> bool:
    """Whether it still is."""
    row = db.execute(
        f"SELECT 1 FROM points_movements AS m WHERE m.id = ? AND {_TURN}",  # noqa: S608
        (movement_id,),
    ).fetchone()
    return row is not None


def next_at(db: sqlite3.Connection) -> float | None:
    """When the next one's time comes."""
    row = db.execute(
        f"SELECT min(m.next_at) FROM points_movements AS m WHERE {_TURN}"  # noqa: S608
    ).fetchone()
    at: float | None = row[0]
    return at


def any_sent(db: sqlite3.Connection, besides: int) -> bool:
    """Whether another one is on its way."""
    row = db.execute(
        """SELECT 1 FROM points_movements INDEXED BY points_movements_open
           WHERE state IN ('owed', 'sent', 'stuck') AND state = 'sent' AND id <> ? LIMIT 1""",
        (besides,),
    ).fetchone()
    return row is not None


def sending(
    db: sqlite3.Connection, one: Movement, way: Way, balance_before: int | None, now: float
) -> Movement | None:
    """It is about to be sent, as it was read; None if it is another one by now."""
    changed = db.execute(
        """UPDATE points_movements SET state = 'sent', way = ?1, balance_before = ?2, sent_at = ?3,
                  attempts = attempts + 1, next_at = ?3, updated_at = ?3
           WHERE id = ?4 AND state = 'owed' AND points = ?5 AND member_id = ?6""",
        (way, balance_before, now, one.id, one.points, one.member_id),
    ).rowcount
    return get(db, one.id) if changed else None


def return_to_owed(
    db: sqlite3.Connection, movement_id: int, at: float, message: str, *, counted: bool
) -> None:
    """It certainly came to nothing: sent again at `at`, or with other points."""
    db.execute(
        """UPDATE points_movements SET state = 'owed', sent_at = NULL, message = ?, next_at = ?,
                  attempts = attempts - ? WHERE id = ? AND state IN ('owed', 'sent')""",
        (message, at, 0 if counted else 1, movement_id),
    )


def later(db: sqlite3.Connection, movement_id: int, at: float, message: str | None) -> None:
    """Looked at again at `at`."""
    db.execute(
        """UPDATE points_movements SET next_at = ?, message = coalesce(?, message)
           WHERE id = ? AND state IN ('owed', 'sent')""",
        (at, message, movement_id),
    )


def put_off(db: sqlite3.Connection, movement_id: int, at: float, message: str) -> None:
    """A step of it failed: not before `at`."""
    db.execute(
        """UPDATE points_movements
           SET next_at = CASE WHEN next_at > ?1 THEN next_at ELSE ?1 END, message = ?2
           WHERE id = ?3 AND state IN ('owed', 'sent')""",
        (at, message, movement_id),
    )


def remember_head(db: sqlite3.Connection, movement_id: int, head_id: str, now: float) -> None:
    """Smaregi has it; whether it moved the balance is still to be seen."""
    db.execute(
        "UPDATE points_movements SET head_id = ?, updated_at = ? WHERE id = ? AND state = 'sent'",
        (head_id, now, movement_id),
    )


def settle(
    db: sqlite3.Connection,
    movement_id: int,
    state: State,
    now: float,
    *,
    head_id: str | None = None,
    message: str | None = None,
) -> bool:
    """`done`, `stuck` or `void`; false if it was settled before."""
    return bool(
        db.execute(
            """UPDATE points_movements SET state = ?1, head_id = coalesce(?2, head_id),
                      message = ?3, updated_at = ?4
               WHERE id = ?5 AND state IN ('owed', 'sent', 'stuck')""",
            (state, head_id, message, now, movement_id),
        ).rowcount
    )


def adopt(
    db: sqlite3.Connection, one: Movement, member_id: int, points: int, head_id: str, now: float
) -> bool:
    """Smaregi has it already, by a database that was lost: it is as it is there."""
    return bool(
        db.execute(
            """UPDATE points_movements SET state = 'done', member_id = ?, points = ?, head_id = ?,
                      message = NULL, updated_at = ?
               WHERE id = ? AND state = 'owed' AND attempts = 0""",
            (member_id, points, head_id, now, one.id),
        ).rowcount
    )


def is_moving(db: sqlite3.Connection, member_ids: Iterable[int]) -> bool:
    """Whether it is not known of any of these members how many points they have."""
    return bool(_open_states(db, member_ids) & {"sent", "stuck"})


def is_stuck(db: sqlite3.Connection, member_id: int) -> bool:
    """Whether a person must settle one of the member's first."""
    return "stuck" in _open_states(db, [member_id])


def _open_states(db: sqlite3.Connection, member_ids: Iterable[int]) -> set[str]:
    sql = f"SELECT state FROM points_movements WHERE member_id = ? AND state IN {_OPEN}"  # noqa: S608
    return {row[0] for each in member_ids for row in db.execute(sql, (each,))}


def listed(
    db: sqlite3.Connection, states: Iterable[State], after: int, limit: int
) -> list[Movement]:
    """Of these states, by rising id from above `after`."""
    wanted = list(states)
    marks = ", ".join("?" * len(wanted))
    rows = db.execute(
        f"""{_SELECT} WHERE id > ? AND state IN ({marks})
            ORDER BY id LIMIT ?""",
        (after, *wanted, limit),
    )
    return [movement_of(row) for row in rows]


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Open movements by state."""
    rows = db.execute(
        f"""SELECT state, count(*) FROM points_movements INDEXED BY points_movements_open
            WHERE state IN {_OPEN} GROUP BY state"""  # noqa: S608
    )
    return {str(row[0]): int(row[1]) for row in rows}


def take_up(db: sqlite3.Connection, now: float) -> None:
    """A new owner looks at once at what waits."""
    db.execute(
        "UPDATE points_movements SET next_at = ? WHERE state IN ('owed', 'sent') AND next_at > ?",
        (now, now),
    )
