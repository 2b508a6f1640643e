"""Points at rest: by the law, by what each member holds, and by what the gateway has left open."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from gateway.sandbox import Sandbox
from gateway.sandbox.smaregi import Smaregi
from tests.crash.held import Verdict
from tests.crash.till import Till
from tests.points.law import Kept, Moved, Wrong, astray

__all__ = ["Purses", "judge_points"]

_SOON = 30.0
"""Seconds. A code that was made, or ended, by a clock that was an hour ahead waits for that hour:
its points are in an open reservation.
"""
_OPEN = """
SELECT 'movement ' || id || ' is ' || state || coalesce(': ' || message, '')
    FROM points_movements WHERE state IN ('owed', 'sent')
UNION ALL SELECT 'order ' || order_id || ' is due' FROM points_orders
    WHERE due_at IS NOT NULL AND lacking = 0
UNION ALL SELECT 'order ' || order_id || ' is ' || state || ': ' || reason FROM points_orders
    WHERE state NOT IN ('given', 'ignored') AND reason <> 'unpaid'
UNION ALL SELECT 'reservation ' || id || ' is ' || state FROM points_reservations
    WHERE state = 'pending' OR (state = 'used' AND ended_at IS NULL)
       OR (due_at < ? AND lacking = 0)
"""
_STUCK = """
SELECT 'movement ' || id || ' is stuck: ' || message FROM points_movements WHERE state = 'stuck'
UNION ALL SELECT 'transaction ' || head_id || ' is ' || kind FROM points_drift
"""


@dataclass(frozen=True, slots=True)
class Purses:
    """`asked`: how often each customer asked for a reservation of points; `members`: whose they
    were then, for a customer who is deleted later is a member no more. `one_with`: with whom a
    customer became one.
    """

    till: Till
    asked: Counter[int]
    members: Mapping[int, int]
    one_with: Mapping[int, int]


def judge_points(
    sandbox: Sandbox, db: sqlite3.Connection, purses: Purses, verdict: Verdict
) -> None:
    """The database is read beside the gateway, or after its end."""
    orders = sandbox.shopify.orders
    moved = Moved(sandbox.smaregi.transactions.rows.values())
    kept = Kept.read(db)
    for (text,) in db.execute(_OPEN, (time.time() + _SOON,)):
        verdict.blame("points on their way", text)
    for (text,) in db.execute(_STUCK):
        verdict.blame("points stuck", text)
    members_of = partial(_members, sandbox.smaregi, purses)
    for wrong in (
        *astray(orders, moved, kept, members_of, sandbox.smaregi.now()),
        *_held(purses.till, moved),
        *_never_asked_for(kept, purses),
    ):
        _blame(wrong, verdict)
    verdict.counts["orders"] = len(orders.rows)
    verdict.counts["reservations"] = len(kept.reserved)
    for state, count in Counter(each.state for each in kept.reserved).items():
        verdict.counts[f"of these {state}"] = count
    verdict.counts["movements of points"] = len(moved.rows)
    verdict.counts["points lacking"] = sum(kept.lacking.values()) + sum(
        each.lacking for each in kept.reserved
    )


def _blame(wrong: Wrong, verdict: Verdict) -> None:
    kind = "points lost" if wrong.points < 0 else "points given twice"
    verdict.blame(kind if wrong.points else "points astray", wrong.text, abs(wrong.points) or 1)


def _held(till: Till, moved: Moved) -> Iterator[Wrong]:
    """Each member with their twin: what the till gave and the ledger moved is there."""
    for member, due, has in till.purses(moved.to):
        if due != has:
            yield Wrong(f"member {member} has {has} points, due are {due}", has - due)


def _members(smaregi: Smaregi, purses: Purses, customer: int) -> set[int | None]:
    both = (customer, purses.one_with.get(customer, customer))
    return {
        member
        for each in both
        for member in (smaregi.members.with_code(str(each)), purses.members.get(each))
    }


def _never_asked_for(kept: Kept, purses: Purses) -> Iterator[Wrong]:
    """A customer has no more codes than they asked for, however often they said so. One that never
    became a code answers no key.
    """
    made = Counter(each.customer_id for each in kept.reserved if each.keyed)
    for customer, count in made.items():
        asked = purses.asked[customer] + purses.asked[purses.one_with.get(customer, 0)]
        if count > asked:
            yield Wrong(f"customer {customer} has {count} reservations, and asked for {asked}")
