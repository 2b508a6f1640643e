"""What the flags say of points earned and spent online, and since when the former.

Orders made since the flag was last switched on (`on` or `hold`) earn by themselves; older ones only
where a person asks for it (`points backfill`). What an order has begun to earn goes on whatever the
flag says.
"""

import sqlite3

from flags import FlagSet, Mode
from gateway import frozen
from gateway.delivery import Runtime
from gateway.store import Engine
from gateway.store.members import get_meta, set_meta
from gateway.store.points import orders

__all__ = ["EARN", "SPEND", "Period", "Switch", "mode_of"]

EARN, SPEND = "points_earn", "points_spend"
_SINCE, _FIRST = "points_since", "points_first"


@frozen
class Period:
    """`since` the flag gives points, without a break, and `first` that it ever did; None: never."""

    since: float | None
    first: float | None


def mode_of(
    flags: FlagSet, name: str, customer_id: int | None = None, email: str | None = None
) -> Mode:
    """Of EARN or SPEND and FLAG_SMAREGI the stricter; a percentage is of the former's."""
    own, smaregi = flags[name], flags["smaregi"].mode
    mode = own.mode if customer_id is None else own.decide(customer_id, email).mode
    return Mode.stricter(mode, smaregi)


class Switch:
    def __init__(self, db: Engine, runtime: Runtime) -> None:
        self._db = db
        self._runtime = runtime
        self._changes = 0
        self._kept: tuple[int, Period] | None = None

    @property
    def mode(self) -> Mode:
        """Of what orders earn."""
        return mode_of(self._runtime.flags, EARN)

    def of(self, customer_id: int | None, email: str | None) -> Mode:
        return mode_of(self._runtime.flags, EARN, customer_id, email)

    def spending(self, customer_id: int | None = None, email: str | None = None) -> Mode:
        """Whether points can be spent, by whomever or by this customer."""
        return mode_of(self._runtime.flags, SPEND, customer_id, email)

    def flags_changed(self) -> None:
        self._changes += 1

    async def keep(self) -> Period:
        """Writes down when the flag began to give, or that it does no more; once after a change.

        Those who were held may go then.
        """
        if self._kept is None or self._kept[0] != self._changes:
            read, mode, now = self._changes, self.mode, self._runtime.clock()
            period = await self._db.write(lambda db: _write(db, mode, now))
            self._kept = read, period  # of the flags as they were read: they may change meanwhile
        return self._kept[1]


def _write(db: sqlite3.Connection, mode: Mode, now: float) -> Period:
    if mode not in {Mode.ON, Mode.HOLD}:
        set_meta(db, _SINCE, "")
    elif not get_meta(db, _SINCE):
        set_meta(db, _SINCE, repr(now))
        if not get_meta(db, _FIRST):
            set_meta(db, _FIRST, repr(now))
    if mode is Mode.ON:
        orders.wake_state(db, "held", now)
    since, first = get_meta(db, _SINCE), get_meta(db, _FIRST)
    return Period(float(since) if since else None, float(first) if first else None)
