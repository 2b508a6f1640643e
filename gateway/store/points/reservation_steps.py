"""What becomes of points that customers spend online."""

import sqlite3

from gateway import frozen
from gateway.store.points.records import Reservation, ReservationState

__all__ = [
    "MOST_AN_HOUR",
    "New",
    "Opened",
    "close",
    "ended",
    "expire_old",
    "has_moved",
    "lacks",
    "move_customer",
    "move_member",
    "open_",
    "put_off",
    "refuse",
    "release",
    "set_state",
    "take_up",
    "tries",
    "use",
    "wake",
    "wake_lacking",
    "withdraw",
]

MOST_AN_HOUR = 10
"""Reservations that a customer may open in an hour."""
_HOUR = 3600.0


@frozen
class New:
    """`key_hash` and `body_hash`: of the idempotency key, None without one."""

    customer_id: int
    member_id: int
    points: int
    yen: int
    code: str
    expires_at: float
    key_hash: bytes | None
    body_hash: bytes


@frozen
class Opened:
    """`id` of the new one, or of the `other` that the customer has open; `wait`: seconds until the
    customer may open another.
    """

    id: int = 0
    other: int | None = None
    wait: float = 0.0


def open_(db: sqlite3.Connection, new: New, now: float) -> Opened:
    """It is pending from now on, unless the customer has one open, or opened too many."""
    row = db.execute(
        """SELECT id FROM points_reservations
           WHERE customer_id = ? AND state IN ('pending', 'active')""",
        (new.customer_id,),
    ).fetchone()
    if row is not None:
        return Opened(other=row["id"])
    count, first = db.execute(
        """SELECT count(*), min(created_at) FROM points_reservations
           WHERE customer_id = ? AND created_at > ?""",
        (new.customer_id, now - _HOUR),
    ).fetchone()
    if count >= MOST_AN_HOUR:
        return Opened(wait=max(1.0, first + _HOUR - now))
    row = db.execute(
        """INSERT INTO points_reservations
               (customer_id, member_id, points, yen, code, state, key_hash, body_hash, due_at,
                expires_at, created_at, updated_at)
           VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, ?8, ?9, ?9) RETURNING id""",
        (
            new.customer_id,
            new.member_id,
            new.points,
            new.yen,
            new.code,
            new.key_hash,
            new.body_hash,
            new.expires_at,
            now,
        ),
    ).fetchone()
    return Opened(row["id"])


def withdraw(db: sqlite3.Connection, reservation_id: int) -> bool:
    """As if it had never been asked for, if nothing was ever sent for it."""
    gone = db.execute(
        """DELETE FROM points_movements
           WHERE reservation_id = ? AND state = 'owed' AND attempts = 0 AND number = 1""",
        (reservation_id,),
    ).rowcount
    if gone:
        db.execute("DELETE FROM points_reservations WHERE id = ?", (reservation_id,))
    return bool(gone)


def set_state(
    db: sqlite3.Connection,
    one: Reservation,
    state: ReservationState,
    due_at: float | None,
    now: float,
) -> bool:
    """If it still is as it was read."""
    return bool(
        db.execute(
            """UPDATE points_reservations SET state = ?, due_at = ?, attempts = 0,
                      error_class = NULL, message = NULL, updated_at = ?
               WHERE id = ? AND state = ?""",
            (state, due_at, now, one.id, one.state),
        ).rowcount
    )


def refuse(db: sqlite3.Connection, reservation_id: int, now: float) -> None:
    """No points were taken. Its key is free."""
    db.execute(
        """UPDATE points_reservations SET state = 'refused', key_hash = NULL, due_at = NULL,
                  updated_at = ? WHERE id = ? AND state = 'pending'""",
        (now, reservation_id),
    )


def close(db: sqlite3.Connection, reservation_id: int, now: float) -> None:
    """It is to end, if it is open. The key of one that never became a code is free: it has no
    answer.
    """
    db.execute(
        """UPDATE points_reservations SET state = 'closing', due_at = ?1, attempts = 0,
                  key_hash = CASE WHEN state <> 'pending' THEN key_hash END, updated_at = ?1
           WHERE id = ?2 AND state IN ('pending', 'active')""",
        (now, reservation_id),
    )


def tries(db: sqlite3.Connection, reservation_id: int, tried_at: float | None) -> None:
    """Its code may exist from now on; None: it certainly does not."""
    db.execute(
        "UPDATE points_reservations SET tried_at = ? WHERE id = ?", (tried_at, reservation_id)
    )


def ended(db: sqlite3.Connection, one: Reservation, due_at: float, now: float) -> None:
    """No checkout takes its code any more. `due_at`: where it is still to be decided."""
    db.execute(
        """UPDATE points_reservations
           SET ended_at = ?1, attempts = 0, error_class = NULL, message = NULL, updated_at = ?1,
               due_at = CASE WHEN state = 'closing' THEN ?2 WHEN lacking > 0 THEN due_at END
           WHERE id = ?3""",
        (now, due_at, one.id),
    )


def release(db: sqlite3.Connection, reservation_id: int, now: float) -> bool:
    """Nobody used it."""
    return bool(
        db.execute(
            """UPDATE points_reservations SET state = 'released', due_at = NULL, attempts = 0,
                      error_class = NULL, message = NULL, updated_at = ?
               WHERE id = ? AND state = 'closing'""",
            (now, reservation_id),
        ).rowcount
    )


def use(
    db: sqlite3.Connection, reservation_id: int, order_id: int, points: int, now: float
) -> None:
    """So many of its points an order has used; its code is to end."""
    db.execute(
        """INSERT INTO points_uses (reservation_id, order_id, points) VALUES (?, ?, ?)
           ON CONFLICT (reservation_id, order_id) DO UPDATE SET points = excluded.points""",
        (reservation_id, order_id, points),
    )
    db.execute(
        """UPDATE points_reservations SET state = 'used', attempts = 0, updated_at = ?1,
                  due_at = CASE WHEN ended_at IS NULL THEN ?1 END
           WHERE id = ?2 AND state <> 'used'""",
        (now, reservation_id),
    )


def lacks(
    db: sqlite3.Connection,
    reservation_id: int,
    lacking: int,
    since: float | None,
    due_at: float | None,
) -> None:
    """So many points could not be taken, since when, and when that is tried again."""
    db.execute(
        """UPDATE points_reservations SET lacking = ?1, lacking_since = ?2,
                  due_at = CASE WHEN due_at < ?3 THEN due_at ELSE coalesce(?3, due_at) END
           WHERE id = ?4""",
        (lacking, since, due_at, reservation_id),
    )


def has_moved(db: sqlite3.Connection, reservation_id: int, now: float) -> None:
    """All of a movement is done: a code may be made; unless points lack, the next lack is new."""
    db.execute(
        """UPDATE points_reservations
           SET due_at = CASE WHEN state = 'pending' THEN ? ELSE due_at END,
               lacking_since = CASE WHEN lacking <> 0 THEN lacking_since END WHERE id = ?""",
        (now, reservation_id),
    )


def wake(db: sqlite3.Connection, reservation_id: int, now: float) -> None:
    """Something has become of one of its movements."""
    db.execute("UPDATE points_reservations SET due_at = ? WHERE id = ?", (now, reservation_id))


def wake_lacking(db: sqlite3.Connection, member_id: int, now: float) -> None:
    """The member got points: what was lacking may be taken."""
    db.execute(
        "UPDATE points_reservations SET due_at = ? WHERE member_id = ? AND lacking > 0",
        (now, member_id),
    )


def put_off(
    db: sqlite3.Connection,
    one: Reservation,
    at: float | None,
    error_class: str | None = None,
    message: str | None = None,
) -> None:
    """Once more at `at`, None: not by itself; unless its state has changed since it was read. With
    an error a try is used up.
    """
    db.execute(
        """UPDATE points_reservations SET due_at = ?1, error_class = ?2,
                  attempts = attempts + CASE WHEN CAST(?2 AS TEXT) IS NULL THEN 0 ELSE 1 END,
                  message = ?3 WHERE id = ?4 AND state = ?5""",
        (at, error_class, message, one.id, one.state),
    )


def take_up(db: sqlite3.Connection, now: float) -> None:
    """A new owner looks at once at what failed, and at what waits for a movement."""
    db.execute(
        """UPDATE points_reservations SET due_at = ?1, attempts = 0
           WHERE due_at IS NOT NULL AND (error_class IS NOT NULL OR state = 'pending')""",
        (now,),
    )


def move_customer(db: sqlite3.Connection, gone: int, kept: int, now: float) -> None:
    """Two customers became one. Of two open ones that of the customer who is gone ends."""
    db.execute(
        """UPDATE points_reservations SET state = 'closing', due_at = ?3, updated_at = ?3,
                  key_hash = CASE WHEN state <> 'pending' THEN key_hash END
           WHERE customer_id = ?1 AND state IN ('pending', 'active')
                 AND EXISTS (SELECT 1 FROM points_reservations
                             WHERE customer_id = ?2 AND state IN ('pending', 'active'))""",
        (gone, kept, now),
    )
    db.execute("UPDATE points_reservations SET customer_id = ? WHERE customer_id = ?", (kept, gone))


def move_member(db: sqlite3.Connection, absorbed: int, survivor: int) -> None:
    """Two members became one: the survivor gets what is given back."""
    db.execute(
        "UPDATE points_reservations SET member_id = ? WHERE member_id = ?", (survivor, absorbed)
    )


def expire_old(db: sqlite3.Connection, before: float, used_before: float, limit: int) -> int:
    """Deletes what was settled before `before`, and what was used and has not changed since
    `used_before`. The number of reservations.
    """
    rows = db.execute(
        """SELECT id FROM points_reservations AS r
           WHERE due_at IS NULL
                 AND ((state IN ('released', 'refused') AND updated_at < ?1)
                      OR (state = 'used' AND updated_at < ?2))
                 AND NOT EXISTS (SELECT 1 FROM points_movements WHERE reservation_id = r.id
                                 AND state IN ('owed', 'sent', 'stuck'))
           LIMIT ?3""",
        (before, used_before, limit),
    ).fetchall()
    for (reservation_id,) in rows:
        db.execute("DELETE FROM points_movements WHERE reservation_id = ?", (reservation_id,))
        db.execute("DELETE FROM points_uses WHERE reservation_id = ?", (reservation_id,))
        db.execute("DELETE FROM points_reservations WHERE id = ?", (reservation_id,))
    return len(rows)
