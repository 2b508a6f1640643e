"""Registrations whose Shopify step stayed unclear: asked for at Shopify until it is known.

A lookup that finds nothing proves nothing while the lost request may still be on its way, so it is
repeated for 15 minutes before the intent is dropped. The customer is never created here: the caller
was told 503.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

from gateway.errors import StorageError, UpstreamError
from gateway.intent import read_intent
from gateway.registration import Registrar
from gateway.shopify import Shopify
from gateway.store import Database, Keys, outbox, registrations
from gateway.store.registrations import Registration

__all__ = ["Recovery"]

log = logging.getLogger(__name__)

KEEP_ASKING = 15 * 60.0
_SOON, _SELDOM = 1.0, 30.0


class Recovery:
    def __init__(
        self,
        db: Database,
        keys: Keys,
        shopify: Shopify,
        registrar: Registrar,
        *,
        clock: Callable[[], float] = time.time,
        recovered: Callable[[], None] = lambda: None,
        intent_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._registrar = registrar
        self._clock = clock
        self._recovered = recovered
        self._intent_gone = intent_gone
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asked: dict[str, tuple[float, float]] = {}

    async def take_over(self) -> None:
        """The first thing a new owner does: what a dead one left half-way is made plain."""
        now = self._clock()

        def unit(db: sqlite3.Connection) -> tuple[int, int]:
            registrations.forget_unfinished_answers(db)
            open_ones = [row for row in registrations.unsettled(db) if row.state == "open"]
            for row in open_ones:
                registrations.mark_unclear(db, row.id, now)
            return len(open_ones), outbox.recover(db, now)

        unclear, pending = await self._db.write(unit)
        if unclear or pending:
            log.info(
                "taking over: %d registrations to resolve at Shopify, %d deliveries under way",
                unclear,
                pending,
            )

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="recovery")
        self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            left = True
            self._wake.clear()  # before the round: what wakes us during it counts
            try:
                left = await self._round()
            except StorageError as error:
                log.error("unclear registrations cannot be read: %s (%s)", error, error.hint)
            except Exception:
                log.exception("recovery stumbled")
            with suppress(TimeoutError):
                async with asyncio.timeout(_SOON if left else None):
                    await self._wake.wait()

    async def _round(self) -> bool:
        """Ask for each whose turn it is; true while some are left, even if just being tried."""
        unclear = [r for r in await self._db.read(registrations.unsettled) if r.state == "unclear"]
        rows = [row for row in unclear if not self._registrar.is_running(row.id)]
        self._asked = {row.id: self._asked[row.id] for row in rows if row.id in self._asked}
        now = time.monotonic()
        for row in rows:
            due, pause = self._asked.get(row.id, (0.0, _SOON))
            if now >= due:
                self._asked[row.id] = (now + pause, min(pause * 2, _SELDOM))
                await self._resolve(row)
        return bool(unclear)

    async def _resolve(self, row: Registration) -> None:
        sealed = await self._db.read(lambda db: registrations.sealed_intent(db, row.id))
        plain = self._keys.unseal(sealed, row.id) if sealed else None
        email = read_intent(plain).email if plain else ""
        try:
            customer = await self._shopify.find(row.id, email)
        except UpstreamError as error:
            log.info("registration %s stays unclear: %s", row.id, error)
            return
        if self._registrar.is_running(row.id):
            return
        if customer is not None and customer.registration_id == row.id:
            await self._registrar.owe(
                row.id, customer, "created", (), row.email_verified, live=False
            )
            log.info("registration %s: Shopify has the customer after all", row.id)
            self._recovered()
        elif abs(self._clock() - row.updated_at) > KEEP_ASKING:
            await self._db.write(lambda db: registrations.drop(db, row.id))
            self._intent_gone()
            log.info("registration %s: Shopify never got the customer; dropped", row.id)
