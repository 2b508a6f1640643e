"""Registrations for which nobody knows whether Shopify created the customer: Shopify is asked until
it is known.

A lookup that finds nothing proves nothing while the lost request may still be on its way. So it is
repeated for 15 minutes before the intent is deleted. The customer is never created here: the caller
was told 503.

Meanwhile the same person may sign up again, and get a 201 or a 202. So both results of a lookup,
found and given up, are written only if the registration has not changed since it was read.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Literal

from gateway.background import WOKEN, Background, on_behalf_of
from gateway.delivery import Runtime
from gateway.delivery.retry import longer
from gateway.errors import UpstreamError
from gateway.registration.acceptance import Acceptance
from gateway.registration.intent import read_intent
from gateway.registration.registrar import Registrar
from gateway.shopify import Accepted, Shopify
from gateway.store import Engine, Keys, registrations
from gateway.store.registrations import Registration
from gateway.store.takeover import take_over

__all__ = ["Recovery"]

log = logging.getLogger(__name__)

KEEP_ASKING = 15 * 60.0
LONGEST_DELAY = 2 * 86400.0
"""Seconds. Longer than any schedule and any Retry-After that we respect."""
_SOON, _SELDOM = 1.0, 30.0
_AT_ONCE = 8
_Look = tuple[str, float]
_UNSETTLED: tuple[Literal["open", "unclear"], ...] = ("open", "unclear")


class Recovery:
    def __init__(
        self,
        db: Engine,
        keys: Keys,
        shopify: Shopify,
        registrar: Registrar,
        acceptance: Acceptance,
        wake: asyncio.Event,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._registrar = registrar
        self._acceptance = acceptance
        self._wake = wake
        self._runtime = runtime
        self._loops = Background()
        self._asked: dict[str, tuple[float, float]] = {}  # id -> next time, pause (monotonic)
        self._since: dict[_Look, float] = {}  # first asked (monotonic)

    async def take_over(self) -> None:
        """The first thing that a new owner of the database does: it marks what a dead owner left
        half done.
        """
        now = self._runtime.clock()
        unclear, pending = await take_over(self._db.write, now + LONGEST_DELAY, now)
        if unclear or pending:
            log.info(
                "taking over: %d registrations to resolve at Shopify, %d deliveries under way",
                unclear,
                pending,
            )

    def start(self) -> None:
        self._loops.go_round(self._round, "unclear registrations", self._wake)

    def wake(self) -> None:
        self._wake.set()

    async def stop(self) -> None:
        await self._loops.stop()

    async def _round(self) -> float | None:
        """Asks for each that is due. The next round is soon while any are left, those being tried
        included.
        """
        unsettled = [row async for row in self._unsettled()]
        rows = [row for row in unsettled if not self._registrar.is_running(row.id)]
        await self._mark_orphans(rows)
        self._asked = {row.id: self._asked[row.id] for row in rows if row.id in self._asked}
        now = time.monotonic()
        self._since = {row: self._since.get(row, now) for row in map(_look_of, rows)}
        due = []
        for row in rows:
            at, pause = self._asked.get(row.id, (0.0, _SOON))
            if row.state == "unclear" and now >= at:
                self._asked[row.id] = (now + pause, longer(pause, _SOON, _SELDOM))
                due.append(row)
        for start in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._ask(row) for row in due[start : start + _AT_ONCE]))
        return _SOON if unsettled else WOKEN

    async def _unsettled(self) -> AsyncIterator[Registration]:
        for state in _UNSETTLED:
            after = ""
            while page := await self._db.read(
                partial(registrations.unsettled_page, state=state, after=after)
            ):
                after = page[-1].id
                for row in page:
                    yield row

    async def _mark_orphans(self, rows: list[Registration]) -> None:
        """Marks what is `open` although nobody is trying it: the database failed midway."""
        now = self._runtime.clock()
        orphans = [
            row.id for row in rows if row.state == "open" and abs(now - row.updated_at) > 2.0
        ]
        if orphans:
            await self._db.write(partial(_mark_all_unclear, ids=orphans, now=now))

    async def _ask(self, row: Registration) -> None:
        with on_behalf_of(row.request_id):
            await self._resolve(row)

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
            if await self._acceptance.accept_found(row, Accepted(customer, "created")):
                log.info("registration %s: Shopify has the customer after all", row.id)
                self._runtime.listener.delivery_due()
        elif time.monotonic() - self._since[_look_of(row)] > KEEP_ASKING:
            await self._drop(row)

    async def _drop(self, row: Registration) -> None:
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> bool:
            still = registrations.is_still(db, row)
            if still:
                registrations.close(db, row.id, now)
            return still

        if await self._db.write(unit):
            self._runtime.listener.intent_gone()
            log.info("registration %s: Shopify never got the customer; dropped", row.id)


def _look_of(row: Registration) -> _Look:
    """Changes if the registration was tried again meanwhile; then the 15 minutes begin anew."""
    return row.id, row.updated_at


def _mark_all_unclear(db: sqlite3.Connection, ids: list[str], now: float) -> None:
    for registration_id in ids:
        registrations.mark_unclear(db, registration_id, now)
