"""Points earned and spent online, as the rest of the gateway knows them."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from flags import Mode
from gateway import frozen
from gateway.channels import Check
from gateway.channels.smaregi import Smaregi
from gateway.delivery import Runtime
from gateway.errors import CommandRefused, UpstreamError
from gateway.points.added import AddedPoints
from gateway.points.checking import check_points, check_spending
from gateway.points.drift import LedgerPass
from gateway.points.eligibility import Customers, Eligibility, EligibilityParts
from gateway.points.history import MemberHistory
from gateway.points.keeper import KeeperParts, ReservationKeeper
from gateway.points.passes import Passes, PassParts
from gateway.points.proof import Proof
from gateway.points.rates import Rates
from gateway.points.reader import OrderReader, ReaderParts
from gateway.points.reserving import Reserving, ReservingParts
from gateway.points.sender import Sender, SenderParts
from gateway.points.settings import PointsSettings
from gateway.points.switch import Switch
from gateway.points.uses import OrderUses
from gateway.points.worker import PointsWorker, WorkerParts
from gateway.shopify import DiscountCodes, Orders
from gateway.store import Engine, Keys
from gateway.store.points import Way, drift, movements, orders, reservation_steps, reservations

__all__ = ["Points", "PointsParts"]


@frozen
class PointsParts:
    """`way()`: SMAREGI_POINTS_BY."""

    db: Engine
    keys: Keys
    customers: Customers
    shop: Orders
    codes: DiscountCodes
    smaregi: Smaregi
    settings: Callable[[], PointsSettings]
    way: Callable[[], Way]


class Points:
    def __init__(self, parts: PointsParts, runtime: Runtime) -> None:
        self._of = parts
        self._runtime = runtime
        self._wake = asyncio.Event()
        client, db = parts.smaregi.client, parts.db
        ledger = client.ledger
        self.switch = Switch(db, runtime)
        self.rates = Rates(ledger, parts.settings, time.monotonic)
        self.proof = Proof(db)
        history = MemberHistory(client, ledger)
        added = AddedPoints(db, client, history, self.rates, runtime.clock)
        uses = OrderUses(db, parts.settings, runtime)
        reading = ReaderParts(
            db, parts.shop, parts.smaregi, self.rates, self.switch, parts.settings, uses
        )
        sending = SenderParts(db, ledger, client, added, history, self.proof, parts.way)
        sender = Sender(sending, runtime)
        keeping = KeeperParts(db, parts.codes, parts.shop, parts.settings, self._wake.set)
        keeper = ReservationKeeper(keeping, runtime)
        working = WorkerParts(
            db,
            OrderReader(reading, runtime),
            sender,
            keeper,
            ledger.turns,
            self.proof,
            self.switch,
            parts.settings,
            parts.way,
        )
        self.worker = PointsWorker(working, self._wake, runtime)
        passing = PassParts(
            db, parts.shop, LedgerPass(db, ledger), self.switch, parts.settings, self._wake.set
        )
        self.passes = Passes(passing, runtime)
        asking = EligibilityParts(db, parts.customers, client, self.rates, self.switch, self.proof)
        reserving = ReservingParts(
            db,
            parts.keys,
            Eligibility(asking),
            self.switch,
            sender,
            keeper,
            ledger.turns,
            parts.settings,
            self._wake.set,
        )
        self.reserving = Reserving(reserving, runtime)

    @property
    def is_off(self) -> bool:
        """Whether orders neither earn nor use points any more; what was begun goes on."""
        return self.switch.mode is Mode.OFF and self.switch.spending() is Mode.OFF

    async def start(self) -> None:
        await self.worker.start()
        self.passes.start()

    def flags_changed(self) -> None:
        self.worker.flags_changed()

    async def noticed(self, order_id: int) -> bool:
        """Something happened to an order: durable when this returns. False where the order is none
        of ours: the flag is off, it has got nobody anything, and none can have used points. Raises
        StorageError.
        """
        now, off = self._runtime.clock(), self.switch.mode is Mode.OFF

        def unit(db: sqlite3.Connection) -> bool:
            known = off and not reservations.any_of_them(db)
            return orders.notice(db, order_id, now, known=known)

        kept = await self._of.db.write(unit)
        if kept:
            self._wake.set()
        return kept

    async def check(self) -> Sequence[Check]:
        """One line each of what `check` proves. Raises UpstreamError."""
        ledger = self._of.smaregi.client.ledger
        settings, now = self._of.settings(), self._runtime.clock()
        found = await check_points(self._of.shop, ledger, self.rates, settings, now)
        if self.switch.spending() is Mode.OFF or not all(each.ok for each in found):
            return found
        return [*found, await check_spending(self._of.codes, self.rates)]

    # -- what a person does

    async def settle(self, movement_id: int, *, done: bool) -> None:
        """A person has looked into Smaregi: it was done there, or it was not and never will be."""
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> None:
            one = movements.get(db, movement_id)
            if one is None or one.state != "stuck":
                raise CommandRefused(f"Movement {movement_id} is not stuck.")
            movements.settle(db, movement_id, "done" if done else "void", now)
            orders.notice(db, one.order_id or 0, now, known=True)
            reservation_steps.wake(db, one.reservation_id or 0, now)
            Proof.go_on(db)

        await self._of.db.write(unit)
        self._wake.set()

    async def forget_drift(self, head_ids: list[str]) -> int:
        """A person has put these transactions right in Smaregi."""
        return await self._of.db.write(lambda db: drift.forget(db, head_ids))

    def refuses_backfill(self, *, dry_run: bool) -> str | None:
        """Why a backfill would give nothing."""
        if dry_run or self.switch.mode is Mode.ON:
            return None
        return "Both FLAG_POINTS_EARN and FLAG_SMAREGI must be on: nothing would be given."

    async def backfill(
        self, since: float, until: float, *, dry_run: bool
    ) -> AsyncIterator[dict[str, Any]]:
        """Orders made within are to be given, whenever the flag was on. Events: `progress`, `end`.

        Each is looked for in Smaregi before anything is sent, so what an earlier gateway gave is
        taken over. Points that are added (SMAREGI_POINTS_BY=add) cannot be found like that.
        """
        if self._of.way() == "add":
            period = await self.switch.keep()
            since = max(since, period.first if period.first is not None else until)
        count, after, last = 0, None, since > until
        while not last:
            try:
                page = await self._of.shop.made(since, until, after)
            except UpstreamError as error:
                yield {"event": "end", "count": count, "error": f"shopify: {error}"}
                return
            ids = [order_id for order_id, _ in page.orders]
            if not dry_run:
                await self._of.db.write(partial(_ask_for, ids=ids, now=self._runtime.clock()))
            count, after = count + len(ids), page.after
            last = after is None
            yield {"event": "progress", "count": count}
        self._wake.set()
        yield {"event": "end", "count": count, "error": None}


def _ask_for(db: sqlite3.Connection, ids: list[int], now: float) -> None:
    for order_id in ids:
        orders.notice(db, order_id, now, asked=True)
