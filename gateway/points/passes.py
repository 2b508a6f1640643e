"""Webhooks get lost: every hour the orders that changed since the last pass are noticed, and the
ledger is compared with our books.

With each page it is written down how far it has come, by Shopify's own time stamps. Each pass looks
back a little further, since the search index lags.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol

from flags import Mode
from gateway import frozen
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.points.drift import LedgerPass
from gateway.points.settings import PointsSettings
from gateway.points.switch import Switch
from gateway.shopify.orders import ListedOrders
from gateway.store import Engine
from gateway.store.members import get_meta, set_meta
from gateway.store.points import orders, reservations
from gateway.wire import Lane, lane

__all__ = ["PassParts", "Passes"]

log = logging.getLogger(__name__)

FIRST_AFTER = 240.0
EVERY = 3600.0
AGAIN_AFTER = 300.0
_OVERLAP = 600.0
_SLACK = 60.0
"""Seconds by which Shopify's clock and ours may differ."""
_SEEN = "points_orders_seen"
_AREA = "points"


class Shop(Protocol):
    async def changed(self, since: float, after: str | None) -> ListedOrders: ...


@frozen
class PassParts:
    """`noticed()` is called when there is work."""

    db: Engine
    shop: Shop
    ledger: LedgerPass
    switch: Switch
    settings: Callable[[], PointsSettings]
    noticed: Callable[[], None]


class Passes:
    def __init__(self, parts: PassParts, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime

    def start(self) -> None:
        self._runtime.background.go_round(self._pass, "the pass over orders", first=FIRST_AFTER)

    async def _pass(self) -> float:
        """Seconds until the next."""
        lane.set(Lane.BACKLOG)
        try:
            await self.once()
        except UpstreamError as error:
            log.warning("points: the pass goes on later: %s", error)
            self._runtime.listener.failed(_AREA, error.error_class, str(error))
        except StorageError as error:
            log.error("points: the pass goes on later: %s (%s)", error, error.hint)
        else:
            return EVERY
        return AGAIN_AFTER

    async def once(self) -> int:
        """One pass; how many orders were noticed. Raises UpstreamError and StorageError."""
        if self._of.switch.mode is Mode.OFF and not await self._of.db.read(_has_moved):
            return 0
        noticed = await self._orders()
        if self._of.settings().points_store_id:
            await self._ledger()
        return noticed

    async def _orders(self) -> int:
        now = self._runtime.clock()
        seen = await self._of.db.read(lambda db: get_meta(db, _SEEN))
        since, newest = (min(float(seen), now) if seen else now) - _OVERLAP, float(seen or now)
        noticed, after, last = 0, None, False
        while not last:
            page = await self._of.shop.changed(since, after)
            newest = max([newest, *(at for _, at in page.orders)])
            noticed += await self._notice(page.orders, newest)
            after = page.after
            last = after is None
        if noticed:
            log.info("points: %d orders were changed, and no webhook had said so", noticed)
            self._of.noticed()
        return noticed

    async def _notice(self, found: Sequence[tuple[int, float]], newest: float) -> int:
        """Those that were not read since their last change; unknown ones while the flag is on, or
        points may have been used.
        """
        now, off = self._runtime.clock(), self._of.switch.mode is Mode.OFF

        def unit(db: sqlite3.Connection) -> int:
            only_known = off and not reservations.any_of_them(db)
            old = [each for each, at in found if orders.is_behind(db, each, at, _SLACK)]
            set_meta(db, _SEEN, repr(newest))
            return sum(orders.notice(db, each, now, known=only_known) for each in old)

        return await self._of.db.write(unit)

    async def _ledger(self) -> None:
        store_id = self._of.settings().points_store_id or ""
        new = await self._of.ledger.compare(store_id, self._runtime.clock())
        if new:
            text = f"{new} transactions in Smaregi are otherwise than ours: see `points drift`"
            self._runtime.listener.failed(_AREA, ErrorClass.CONFLICT, text)


def _has_moved(db: sqlite3.Connection) -> bool:
    """Whether anything was given that may have to be taken back, or taken that may be used."""
    given = bool(orders.listed(db, "given", 0, 1, lacking=False))
    return given or reservations.any_of_them(db)
