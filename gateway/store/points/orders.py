"""Queries on orders that earn points."""

import sqlite3

from gateway.store.points.records import ORDER_COLUMNS, PointOrder, order_of

__all__ = [
    "counts",
    "due",
    "expire",
    "expire_old",
    "forget_all",
    "get",
    "given_up",
    "has_moved",
    "is_behind",
    "listed",
    "move_customer",
    "move_member",
    "move_order",
    "next_due",
    "notice",
    "of_customer",
    "put_off",
    "save",
    "take_up",
    "wake_lacking",
    "wake_linked",
    "wake_state",
]

_SELECT = f"SELECT {ORDER_COLUMNS} FROM points_orders"  # noqa: S608
_FAR = 2 * 86400.0
"""Seconds: nothing is ever put off further, so what lies beyond was written by a wrong clock."""


def notice(
    db: sqlite3.Connection, order_id: int, now: float, *, asked: bool = False, known: bool = False
) -> bool:
    """The order is to be read (again). `asked`: a person wants it given, whenever it was made.
    `known`: only if it is known. Whether there is such a row now.
    """
    changed = db.execute(
        """UPDATE points_orders SET version = version + 1, due_at = ?2, attempts = 0,
                  asked = CASE WHEN ?3 = 1 THEN 1 ELSE asked END, updated_at = ?2
           WHERE order_id = ?1""",
        (order_id, now, asked),
    ).rowcount
    if changed or known:
        return bool(changed)
    db.execute(
        """INSERT INTO points_orders
               (order_id, state, reason, asked, due_at, created_at, updated_at)
           VALUES (?1, 'waiting', 'unread', ?3, ?2, ?2, ?2)""",
        (order_id, now, asked),
    )
    return True


def get(db: sqlite3.Connection, order_id: int) -> PointOrder | None:
    row = db.execute(f"{_SELECT} WHERE order_id = ?", (order_id,)).fetchone()
    return order_of(row) if row else None


def due(db: sqlite3.Connection, now: float, limit: int) -> list[PointOrder]:
    """What is to be read now, the longest due first."""
    rows = db.execute(
        f"""{_SELECT} WHERE due_at <= ?1 OR due_at > ?1 + ?3
            ORDER BY due_at, order_id LIMIT ?2""",
        (now, limit, _FAR),
    )
    return [order_of(row) for row in rows]


def next_due(db: sqlite3.Connection) -> float | None:
    row = db.execute("SELECT min(due_at) FROM points_orders WHERE due_at IS NOT NULL").fetchone()
    at: float | None = row[0]
    return at


def save(db: sqlite3.Connection, order: PointOrder) -> None:
    """What was computed of an order as read at `order.version`; noticed since, it stays due."""
    db.execute(
        """UPDATE points_orders SET customer_id = ?2, member_id = ?3, state = ?4, reason = ?5,
                  rule = ?6, target = ?7, lacking = ?8, lacking_since = ?9, seen_updated_at = ?10,
                  made_at = ?11, paid_at = ?12, attempts = 0, error_class = NULL, message = NULL,
                  due_at = CASE WHEN version = ?13 THEN ?14 ELSE due_at END, updated_at = ?15
           WHERE order_id = ?1""",
        (
            order.order_id,
            order.customer_id,
            order.member_id,
            order.state,
            order.reason,
            order.rule,
            order.target,
            order.lacking,
            order.lacking_since,
            order.seen_updated_at,
            order.made_at,
            order.paid_at,
            order.version,
            order.due_at,
            order.updated_at,
        ),
    )


def put_off(
    db: sqlite3.Connection,
    order_id: int,
    at: float,
    error_class: str,
    message: str,
    *,
    counted: bool,
) -> None:
    """It could not be computed: once more at `at`."""
    db.execute(
        """UPDATE points_orders SET due_at = ?, attempts = attempts + ?, error_class = ?,
                  message = ? WHERE order_id = ?""",
        (at, counted, error_class, message, order_id),
    )


def given_up(
    db: sqlite3.Connection, read: PointOrder, error_class: str, message: str, now: float
) -> None:
    """The tries are used up, unless it was noticed again since it was `read`. One that has given
    points keeps its state: they are still its.
    """
    db.execute(
        """UPDATE points_orders
           SET state = CASE WHEN member_id IS NULL THEN 'failed' ELSE state END, due_at = NULL,
               error_class = ?, message = ?, updated_at = ?
           WHERE order_id = ? AND version = ?""",
        (error_class, message, now, read.order_id, read.version),
    )


def take_up(db: sqlite3.Connection, now: float) -> None:
    """A new owner tries again what failed, and reads at once what was put off."""
    db.execute(
        """UPDATE points_orders SET due_at = ?1, attempts = 0
           WHERE error_class IS NOT NULL OR (due_at > ?1 AND lacking = 0)""",
        (now,),
    )


_LINKED = """SELECT 1 FROM links WHERE channel = ?2 AND customer_id = points_orders.customer_id
             AND unproven IS NULL"""


def wake_linked(db: sqlite3.Connection, channel: str, now: float) -> None:
    """Those who waited for a member, and have one now that is known to be theirs."""
    db.execute(
        f"""UPDATE points_orders SET due_at = ?1, version = version + 1
            WHERE state = 'waiting' AND reason IN ('no_member', 'unproven') AND due_at IS NULL
                  AND EXISTS ({_LINKED})""",  # noqa: S608
        (now, channel),
    )


def wake_state(db: sqlite3.Connection, state: str, now: float) -> None:
    """The flag may let them go now."""
    db.execute(
        """UPDATE points_orders SET due_at = ?, version = version + 1
           WHERE state = ? AND due_at IS NULL""",
        (now, state),
    )


def has_moved(db: sqlite3.Connection, order_id: int) -> None:
    """All of a movement is done: unless points still lack, the next lack is a new one."""
    db.execute(
        "UPDATE points_orders SET lacking_since = NULL WHERE order_id = ? AND lacking = 0",
        (order_id,),
    )


def wake_lacking(db: sqlite3.Connection, member_id: int, now: float) -> None:
    """The member got points: what was lacking may be taken back."""
    db.execute(
        """UPDATE points_orders SET due_at = ?, version = version + 1
           WHERE member_id = ? AND lacking > 0""",
        (now, member_id),
    )


def expire(db: sqlite3.Connection, paid_before: float, now: float) -> int:
    """Nobody was linked in time: they earn nothing. The number of them."""
    return db.execute(
        """UPDATE points_orders SET state = 'ignored', reason = 'too_late', due_at = NULL,
                  updated_at = ?
           WHERE state = 'waiting' AND reason IN ('guest', 'no_member', 'unproven', 'member_left')
                 AND paid_at < ?""",
        (now, paid_before),
    ).rowcount


def expire_old(db: sqlite3.Connection, before: float, given_before: float, limit: int) -> int:
    """Deletes what was settled before `before`, and what gave points and has not changed since
    `given_before`. The number of orders.
    """
    rows = db.execute(
        """SELECT order_id FROM points_orders AS o
           WHERE due_at IS NULL
                 AND ((state IN ('ignored', 'skipped', 'dry_run') AND updated_at < ?1)
                      OR (state = 'given' AND updated_at < ?2))
                 AND NOT EXISTS (SELECT 1 FROM points_movements WHERE order_id = o.order_id
                                 AND state IN ('owed', 'sent', 'stuck'))
           LIMIT ?3""",
        (before, given_before, limit),
    ).fetchall()
    for (order_id,) in rows:
        db.execute("DELETE FROM points_movements WHERE order_id = ?", (order_id,))
        db.execute("DELETE FROM points_orders WHERE order_id = ?", (order_id,))
    return len(rows)


def is_behind(db: sqlite3.Connection, order_id: int, changed_at: float, slack: float) -> bool:
    """Whether the order may have changed since it was read last. Shopify's times are whole seconds:
    one that was read within `slack` seconds after its last change may have changed once more.
    """
    order = get(db, order_id)
    if order is None or order.seen_updated_at is None:
        return True
    return order.seen_updated_at < changed_at or order.updated_at < changed_at + slack


def of_customer(db: sqlite3.Connection, customer_id: int, limit: int) -> list[PointOrder]:
    rows = db.execute(
        f"""{_SELECT}
            WHERE customer_id = ? ORDER BY order_id DESC LIMIT ?""",
        (customer_id, limit),
    )
    return [order_of(row) for row in rows]


def listed(
    db: sqlite3.Connection, state: str | None, after: int, limit: int, *, lacking: bool
) -> list[PointOrder]:
    """By rising id from above `after`; `lacking`: only those with points that could not be taken
    back.
    """
    rows = db.execute(
        f"""{_SELECT}
            WHERE order_id > ?1 AND state = coalesce(?2, state) AND (?4 = 0 OR lacking > 0)
            ORDER BY order_id LIMIT ?3""",
        (after, state, limit, lacking),
    )
    return [order_of(row) for row in rows]


def counts(db: sqlite3.Connection) -> tuple[dict[str, int], int]:
    """Orders by state, and the points that were lacking."""
    rows = db.execute("SELECT state, count(*) FROM points_orders GROUP BY state").fetchall()
    lacking = db.execute(
        "SELECT CAST(sum(lacking) AS BIGINT) FROM points_orders WHERE lacking > 0"
    ).fetchone()[0]
    return {str(row[0]): int(row[1]) for row in rows}, lacking or 0


def move_customer(db: sqlite3.Connection, gone: int, kept: int) -> None:
    """Two customers became one."""
    db.execute("UPDATE points_orders SET customer_id = ? WHERE customer_id = ?", (kept, gone))


def move_order(db: sqlite3.Connection, order_id: int, member_id: int) -> None:
    """It turned out that this member got its points."""
    db.execute("UPDATE points_orders SET member_id = ? WHERE order_id = ?", (member_id, order_id))


def move_member(db: sqlite3.Connection, absorbed: int, survivor: int) -> None:
    """Two members became one: what is taken back is taken from the survivor. What is open is
    neither sent nor stuck: a merge waits for that.
    """
    db.execute("UPDATE points_orders SET member_id = ? WHERE member_id = ?", (survivor, absorbed))
    db.execute(
        "UPDATE points_movements SET member_id = ? WHERE member_id = ? AND state = 'owed'",
        (survivor, absorbed),
    )


def forget_all(db: sqlite3.Connection) -> None:
    """Of another shop or contract, or a shop whose data is erased."""
    for table in (
        *("points_orders", "points_movements", "points_drift"),
        *("points_reservations", "points_uses"),
    ):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    db.execute("DELETE FROM meta WHERE key LIKE 'points\\_%' ESCAPE '\\'")
