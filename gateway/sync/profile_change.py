"""A profile change: deliveries -> Shopify -> channels -> answer.

What is on disk when the process dies, and what the next start makes of it:

    before Shopify is called      a delivery for each channel that has the customer, or has one
    during the call, after it     open: due at the next start. It reads Shopify afresh, and does
                                  nothing if nothing changed
    during a channel's call       the same; the fields being written are marked as unsure

Changes of one customer are made one after the other, so that every system ends with the newest.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from gateway import frozen
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Runtime
from gateway.errors import StorageError, UpstreamError
from gateway.outcomes import Delivery
from gateway.responses.answer import Answer, in_both_languages
from gateway.responses.bodies import change_body
from gateway.responses.problems import change_refused, no_storage, shopify_unavailable, too_busy
from gateway.shopify import Changed, Refused, Shopify
from gateway.store import Engine, Keys, outbox
from gateway.sync.channel_updates import ChannelUpdates

__all__ = ["ProfileChange", "ProfileChanges"]

log = logging.getLogger(__name__)

_LEFT_FOR_CHANNELS = 0.3
"""Seconds of the deadline that Shopify may not use."""
_SLACK = 5.0
"""Seconds after the deadline from which the worker takes deliveries opened beforehand."""


@frozen
class ProfileChange:
    """`changes`: fields of a `Profile`, validated. `given`: the same as they were sent."""

    changes: Mapping[str, Any]
    given: Mapping[str, Any]
    email_verified: bool = False


class ProfileChanges:
    """Takes a change to Shopify and the channels, and says how it went."""

    def __init__(
        self,
        db: Engine,
        keys: Keys,
        shopify: Shopify,
        delivery: DeliveryParts,
        updates: ChannelUpdates,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._delivery = delivery
        self.updates = updates
        self._runtime = runtime
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, customer_id: int) -> AsyncIterator[None]:
        """Waits until no other change of this customer is running, and makes later ones wait."""
        turn = self._turns.setdefault(customer_id, asyncio.Lock())
        async with turn:
            yield

    def is_changing(self, customer_id: int) -> bool:
        """Whether a change is running: Shopify may then show only half of it."""
        turn = self._turns.get(customer_id)
        return turn is not None and turn.locked()

    async def change(self, customer_id: int, asked: ProfileChange) -> Answer:
        """A caller who hangs up cancels nothing."""
        until = asyncio.get_running_loop().time() + self._runtime.policy.deadline
        work = self._in_turn(customer_id, asked, until)
        try:
            task = self._runtime.background.keep(work, f"change of customer {customer_id}")
            return await asyncio.shield(task)
        except StorageError as error:
            log.error("a change could not be kept: %s (%s)", error, error.hint)
            return no_storage()

    async def _in_turn(self, customer_id: int, asked: ProfileChange, until: float) -> Answer:
        turn = self._turns.setdefault(customer_id, asyncio.Lock())
        try:
            async with asyncio.timeout_at(until - _LEFT_FOR_CHANNELS):
                await turn.acquire()
        except TimeoutError:
            return too_busy()
        try:
            return await self._change(customer_id, asked, until)
        finally:
            turn.release()

    async def _change(self, customer_id: int, asked: ProfileChange, until: float) -> Answer:
        owed = await self._owe_beforehand(customer_id, asked.changes, until)
        try:
            result = await self._shopify.change(
                customer_id, asked.changes, until - _LEFT_FOR_CHANNELS, asked.given
            )
        except UpstreamError as error:
            self._runtime.listener.shopify_answered(error)
            log.warning("a profile change: Shopify failed: %s", error)
            return shopify_unavailable(error)
        self._runtime.listener.shopify_answered(None)
        if isinstance(result, Changed):
            if asked.email_verified:
                emails = self._keys.emails(result.customer.profile.email)
                await self._delivery.proofs.prove(customer_id, emails)
            return await self._to_channels(result, owed, until)
        partly = isinstance(result, Refused) and result.partly
        await self._release([] if partly else owed, owed)
        return change_refused(result)

    async def _owe_beforehand(
        self, customer_id: int, changes: Mapping[str, Any], until: float
    ) -> list[Delivery]:
        """Due only when Shopify must have answered: until then Shopify may still have the old
        state.
        """
        await self._delivery.clock_jumps.follow()
        left = until - asyncio.get_running_loop().time()
        owed = await self.updates.owed_beforehand(
            customer_id,
            opting_out=changes.get("accepts_marketing") is False,
            not_before=self._runtime.clock() + left + _SLACK,
        )
        if not owed:
            return []
        now = self._runtime.clock()
        return await self._db.write(
            lambda db: outbox.add(db, customer_id, None, owed, now), (customer_id,)
        )

    async def _to_channels(
        self, result: Changed, before: Sequence[Delivery], until: float
    ) -> Answer:
        customer = result.customer
        owed = await self._owe(customer, before)
        run = await self._delivery.deliverer.run_live(owed, customer, fresh=False, until=until)
        number = await self._delivery.preparation.member_number(customer.id, run.deliveries)
        body = change_body(customer.id, result.warnings, run.deliveries, number)
        return in_both_languages(200, body).about(None, run.deliveries)

    async def _owe(self, customer: Customer, before: Sequence[Delivery]) -> list[Delivery]:
        """Shopify has made the change: opens each channel's delivery, and tries most at once."""
        news = await self.updates.owed_live(customer, before)
        chosen = {new.channel for new in news}
        unneeded = [delivery.id for delivery in before if delivery.channel not in chosen]
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> list[Delivery]:
            outbox.take_back(db, unneeded)
            outbox.due_now(db, unneeded)
            return outbox.add(db, customer.id, None, news, now)

        written = await self._db.write(unit, (customer.id,))
        self._wake([*before, *written])
        return written

    async def _release(self, needless: Sequence[Delivery], owed: Sequence[Delivery]) -> None:
        """Nothing changed: deletes what was opened for it; what was open before is due again."""

        def unit(db: sqlite3.Connection) -> None:
            outbox.take_back(db, [delivery.id for delivery in needless])
            outbox.due_now(db, [delivery.id for delivery in owed])

        if owed:
            await self._db.write(unit)
            self._wake(owed)

    def _wake(self, deliveries: Sequence[Delivery]) -> None:
        for channel in {delivery.channel for delivery in deliveries}:
            self.updates.wake(channel)
