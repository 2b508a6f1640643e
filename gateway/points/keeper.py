"""One reservation on its way: points taken, a discount code made, used or given back.

    pending    its points are being taken (`sender`); then the code is made
    active     the code can be used
    closing    given up, or expired. The code is ended; SETTLING later, when no checkout that had it
               can still become an order, the customer's orders since then are read
    used       an order bears the code: it takes what the order used (`uses`), the rest returns
    released   nobody used it: all of it returns
    refused    no points were taken

What the next start finds when the process dies:

    before the reservation is written   nothing; nobody was told of a code
    at any moment of its movement       `pending`: see `sender`. It goes on: whoever asks again with
                                        the same key gets its code
    before the code is asked for        `pending`, without `tried_at`: it is asked for
    after `tried_at`, until `active`    `pending`: asked for again; `TAKEN` is the proof that it was
                                        made, and it is taken over
    while its code is being ended       `closing` or `used`, without `ended_at`: ended again
    after `ended_at`                    `closing`: it waits, as it did before
    after an order was found            `closing`: the order is due, and noticed again
    after that was read                 `used`, with the movement that follows: one unit
    after `released`                    with its movement: one unit

An order that turns up with the code of a `released` one makes it `used`: its points are taken once
more.
"""

import logging
import sqlite3
from collections.abc import Callable
from typing import Protocol

from gateway import frozen
from gateway.channels.smaregi.turns import MemberTurns
from gateway.delivery import Runtime
from gateway.delivery.retry import retry_delay
from gateway.errors import ErrorClass, UpstreamError
from gateway.points.holding import balance_books, own_movements
from gateway.points.marks import is_about_the_system
from gateway.points.settings import PointsSettings
from gateway.shopify import CodeRefused, CodeSeen, NewCode
from gateway.shopify.orders import ListedOrders
from gateway.store import Engine
from gateway.store.points import Reservation, orders, reservation_steps, reservations

__all__ = ["KeeperParts", "ReservationKeeper"]

log = logging.getLogger(__name__)

SETTLING = 900.0
"""Seconds from the end of a code until every order that used it is shown by Shopify."""
PATIENCE = 120.0
"""Seconds after which a code whose answer was lost cannot come to be any more."""
_LOOK_AGAIN, _READ_AGAIN = 10.0, 60.0
_COUNTED_FOR = 86400.0
"""Seconds for which Shopify's count of uses is believed, though no order shows one."""
_EARLY = 3600.0
"""Seconds by which a code begins before now: Shopify's clock may be behind ours."""


class Codes(Protocol):
    async def make(self, new: NewCode) -> str: ...

    async def find(self, code: str) -> CodeSeen | None: ...

    async def end(self, found: CodeSeen) -> None: ...


class Shop(Protocol):
    async def of_customer(
        self, customer_id: int, since: float, after: str | None
    ) -> ListedOrders: ...


@frozen
class KeeperParts:
    """`noticed()` is called when there is work for others."""

    db: Engine
    codes: Codes
    shop: Shop
    settings: Callable[[], PointsSettings]
    noticed: Callable[[], None]


class ReservationKeeper:
    def __init__(self, parts: KeeperParts, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime
        self._turns = MemberTurns()

    async def go_on(self, reservation_id: int) -> None:
        """Its next steps, as far as they go by now. Raises UpstreamError where a system is in
        trouble: then it is as it was.
        """
        async with self._turns.of(reservation_id):
            one = await self._of.db.read(lambda db: reservations.get(db, reservation_id))
            if one is None:
                return
            try:
                await self._step(one)
            except UpstreamError as error:
                if is_about_the_system(error):
                    raise
                await self._failed(one, error)

    async def _step(self, one: Reservation) -> None:
        now = self._runtime.clock()
        match one.state:
            case "pending" | "active" if now >= one.expires_at:
                await self._of.db.write(lambda db: reservation_steps.close(db, one.id, now))
            case "pending":
                await self._open(one)
            case "active":
                await self._later(one, one.expires_at)
            case "closing" | "used" if one.ended_at is None:
                await self._end(one)
            case "closing":
                await self._decide(one, one.ended_at or now)
            case _:
                await self._settle(one)

    # -- pending

    async def _open(self, one: Reservation) -> None:
        now = self._runtime.clock()
        if await self._of.db.write(lambda db: _has_its_points(db, one, now)):
            await self._make(one, now)

    async def _make(self, one: Reservation, now: float) -> None:
        new = NewCode(one.code, one.customer_id, one.yen, now - _EARLY, one.expires_at)
        await self._of.db.write(lambda db: reservation_steps.tries(db, one.id, now))
        try:
            await self._of.codes.make(new)
        except UpstreamError as error:
            if error.applied is False and one.tried_at is None:
                await self._of.db.write(lambda db: reservation_steps.tries(db, one.id, None))
            if isinstance(error, CodeRefused):
                log.warning("points: reservation %d: %s", one.id, error)
                await self._of.db.write(lambda db: reservation_steps.close(db, one.id, now))
                return
            raise
        await self._of.db.write(
            lambda db: reservation_steps.set_state(db, one, "active", one.expires_at, now)
        )

    # -- its code ends

    async def _end(self, one: Reservation) -> None:
        now = self._runtime.clock()
        if one.tried_at is not None:
            seen = await self._of.codes.find(one.code)
            if seen is None and now - one.tried_at < PATIENCE:
                await self._later(one, now + _LOOK_AGAIN)
                return
            if seen is not None and not seen.ended:
                await self._of.codes.end(seen)
        now = self._runtime.clock()
        due_at = now if one.tried_at is None else now + SETTLING
        await self._of.db.write(lambda db: reservation_steps.ended(db, one, due_at, now))

    # -- used, or not

    async def _decide(self, one: Reservation, ended_at: float) -> None:
        now = self._runtime.clock()
        if one.tried_at is None:
            await self._release(one)
            return
        if now < ended_at + SETTLING:
            await self._later(one, ended_at + SETTLING)
            return
        seen = await self._of.codes.find(one.code)
        if seen is not None and not seen.ended:  # it came late, or somebody opened it again
            await self._end(one)
        elif found := await self._orders(one):
            await self._of.db.write(lambda db: _notice(db, found, now))
            await self._later(one, now + _READ_AGAIN)
            self._of.noticed()
        elif seen is not None and seen.used and now < ended_at + _COUNTED_FOR:
            await self._later(one, now + SETTLING)
        else:
            await self._release(one)

    async def _orders(self, one: Reservation) -> list[int]:
        """The customer's that bear the code; the clocks may differ by a little."""
        found: list[int] = []
        after, last = None, False
        while not last:
            page = await self._of.shop.of_customer(one.customer_id, one.created_at - _EARLY, after)
            found += [order_id for order_id, codes in page.codes.items() if one.code in codes]
            after = page.after
            last = after is None
        return found

    async def _release(self, one: Reservation) -> None:
        place, now = self._of.settings().place, self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            if reservation_steps.release(db, one.id, now):
                balance_books(db, one.id, place, now)

        await self._of.db.write(unit)
        self._of.noticed()

    async def _settle(self, one: Reservation) -> None:
        """A person has settled a movement, or what was lacking is tried again."""
        place, now = self._of.settings().place, self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            reservation_steps.put_off(db, one, None)
            balance_books(db, one.id, place, now)

        await self._of.db.write(unit)
        self._of.noticed()

    # -- both

    async def _later(self, one: Reservation, at: float) -> None:
        await self._of.db.write(lambda db: reservation_steps.put_off(db, one, at))

    async def _failed(self, one: Reservation, error: UpstreamError) -> None:
        """A try is used up. After the last one a code that cannot be made is given up, and a person
        is told of one that cannot be ended; it is tried again every hour.
        """
        now, schedule = self._runtime.clock(), self._runtime.policy.schedule
        log.warning("points: reservation %d: %s", one.id, error)
        if one.attempts < len(schedule):
            at = now + retry_delay(schedule, one.attempts + 1, lambda: 0.5)
            await self._put_off(one, at, error.error_class, str(error))
        elif one.state == "pending":
            await self._of.db.write(lambda db: reservation_steps.close(db, one.id, now))
        else:
            self._runtime.listener.failed("points", error.error_class, f"a reservation: {error}")
            await self._put_off(one, now + 3600.0, error.error_class, str(error))

    async def _put_off(
        self, one: Reservation, at: float, error_class: ErrorClass, text: str
    ) -> None:
        await self._of.db.write(
            lambda db: reservation_steps.put_off(db, one, at, error_class, text)
        )


def _has_its_points(db: sqlite3.Connection, one: Reservation, now: float) -> bool:
    """Otherwise it is due again when its movement is done, or when it expires."""
    own = own_movements(db, one.id)
    if own and own[0].state == "done":
        return True
    if own:
        reservation_steps.put_off(db, one, one.expires_at)
    else:
        reservation_steps.refuse(db, one.id, now)
    return False


def _notice(db: sqlite3.Connection, found: list[int], now: float) -> None:
    for order_id in found:
        orders.notice(db, order_id, now)
