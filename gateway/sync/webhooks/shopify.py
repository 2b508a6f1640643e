"""Shopify's events about customers: an event only says which customer to look at; what Shopify has
now counts.

Two events are about what can no longer be read. A deleted customer is removed from the channels a
little later, since a merge may explain it, and the merge's event may come after. A redaction is an
order; if the customer still exists, a person must confirm it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from gateway import frozen
from gateway.alerts import notices
from gateway.customer import Customer
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import Read
from gateway.store.events import Event
from gateway.sync.webhooks.customer_merges import CustomerMerges
from gateway.sync.webhooks.erasure import Erasure
from gateway.sync.webhooks.new_customers import NewCustomers
from gateway.sync.webhooks.removals import Removals
from gateway.sync.webhooks.verification import DATA_REQUEST, DELETED, REDACT, SHOP_REDACT
from gateway.sync.webhooks.worker import Job, LaterError

__all__ = ["GRACE", "UNSAID", "CustomerEventParts", "CustomerEvents"]

GRACE = 3.0
"""Seconds from an event to the removal of a customer who is gone. If a merge's event has arrived by
then, the removal waits for the merge.
"""
UNSAID = 60.0
"""Seconds from when a customer was first found gone, if no event says that they were deleted: a
merge's event is likely to come. A deletion's own event, or the hourly pass, is believed sooner.
"""
_UNDER_WAY = 0.5
"""Seconds until the webhooks of our own sign-up are compared with its result; longer if nobody
knows the result yet.
"""
_LONGEST = 30.0
_MERGE_FIRST = 1.0
_NEVER_ENDS = 3600.0
"""Seconds after which a merge counts as failed if the other customer still exists."""
_BLIND = {DATA_REQUEST, REDACT, SHOP_REDACT}
"""Topics whose work reads nothing from Shopify: the shop may have uninstalled the app."""


class Master(Protocol):
    async def read(self, customer_ids: Iterable[int]) -> dict[int, Customer]: ...

    async def read_each(self, customer_ids: Iterable[int]) -> Read: ...


class SignIns(Protocol):
    async def signed_in(self, customer: Customer) -> None: ...


class Turns(Protocol):
    """Knows whose profile the gateway itself is changing at this moment."""

    def is_changing(self, customer_id: int) -> bool: ...


class Changes(Protocol):
    """Brings the channels up to date with customers as Shopify has just answered."""

    async def changed(self, customers: Sequence[Customer]) -> int: ...


@frozen
class CustomerEventParts:
    """The parts that do what events ask for."""

    shopify: Master
    sign_ins: SignIns
    turns: Turns
    updates: Changes
    new_customers: NewCustomers
    erasure: Erasure
    removals: Removals
    customer_merges: CustomerMerges


class CustomerEvents:
    rest = 0.0

    def __init__(self, parts: CustomerEventParts, runtime: Runtime, grace: float = GRACE) -> None:
        self._parts = parts
        self._runtime = runtime
        self.grace = grace
        self.unsaid = UNSAID
        self._missed: dict[int, float] = {}  # customer -> since when, by the loop's clock

    async def jobs(self, found: Sequence[Event]) -> Sequence[Sequence[Job]]:
        """One job for each customer, merges first; all customers are read together."""
        blind = [event for event in found if event.topic in _BLIND]
        if blind:
            await self._parts.removals.ordered(blind)
            return [[Job([event], self._order(event)) for event in blind]]
        waiting: dict[int, list[Event]] = {}
        for event in found:
            waiting.setdefault(event.customer_id or 0, []).append(event)
        read = await self._parts.shopify.read_each(waiting)
        said = {event.customer_id or 0 for event in found if event.topic == DELETED}
        asked = [each for each in waiting if each not in read.refused]
        await self._parts.removals.read(asked, read.customers, said)
        pieces = [(each, Job(each, self._piece(i, each, read))) for i, each in waiting.items()]
        customer_merges = [job for events, job in pieces if any(e.merged_id for e in events)]
        return [customer_merges, [job for _, job in pieces if job not in customer_merges]]

    def _order(self, event: Event) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            erasure, age = self._parts.erasure, self._runtime.clock() - event.received_at
            if event.topic == DATA_REQUEST:
                self._runtime.listener.notice(notices.data_asked_for(event.customer_id))
            elif event.topic == SHOP_REDACT:
                await erasure.redact_shop()
            elif 0 <= age < self.grace:  # more of them may come, and they are judged together
                raise LaterError(self.grace - age)
            else:
                await self._redact(event.customer_id or 0, age)

        return work

    async def _redact(self, customer_id: int, age: float) -> None:
        """Erases somebody who is gone from Shopify; a person must confirm anybody else."""
        try:
            there = customer_id in await self._parts.shopify.read([customer_id])
        except UpstreamError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            there = True  # unknown: the app may be uninstalled by now
        if there and await self._parts.removals.doubted(customer_id):
            return
        await self._parts.erasure.redact(customer_id, age)

    def _piece(
        self, customer_id: int, found: Sequence[Event], read: Read
    ) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            if (error := read.refused.get(customer_id)) is not None:
                raise error
            customer = read.customers.get(customer_id)
            age = self._runtime.clock() - max(event.received_at for event in found)
            for event in found:
                if event.merged_id is not None:
                    await self._merge(event, customer_id, customer, age)
            if customer is not None:
                await self._present(customer, age)
            else:
                await self._gone(customer_id, found, age)

        return work

    async def look(self, customer: Customer) -> int:
        """Does what an event about a customer, as just read from Shopify, asks for.

        Returns the number of deliveries opened. Raises LaterError while something else is running.
        """
        return await self._present(customer, 0.0)

    async def _present(self, customer: Customer, age: float) -> int:
        if customer.enabled:  # a first sign-in, by a code that was mailed, proves the e-mail
            await self._parts.sign_ins.signed_in(customer)
        changing = self._parts.turns.is_changing(customer.id)
        if changing or await self._parts.new_customers.is_settling(customer):
            raise LaterError(min(_LONGEST, max(_UNDER_WAY, age / 4)))
        if await self._parts.new_customers.is_known(customer):
            return await self._parts.updates.changed([customer])
        await self._parts.new_customers.welcome(customer)
        return 0

    async def _merge(self, event: Event, kept: int, customer: Customer | None, age: float) -> None:
        """The survivor may have been merged again, and that event may have come first."""
        gone = event.merged_id or 0
        left = await self._parts.customer_merges.survivor(kept)
        if left != kept:
            customer = (await self._parts.shopify.read([left])).get(left)
        if gone in await self._parts.shopify.read([gone]):
            if age < _NEVER_ENDS:  # it has not ended yet
                raise LaterError(min(_LONGEST, max(_MERGE_FIRST, age / 4)))
            await self._parts.customer_merges.came_to_nothing(event.id)
            return
        await self._parts.customer_merges.merge(gone, left, customer)

    async def _gone(self, customer_id: int, found: Sequence[Event], age: float) -> None:
        if await self._parts.customer_merges.is_waited_for(customer_id):
            raise LaterError(_MERGE_FIRST)
        now = asyncio.get_running_loop().time()
        since = self._missed.setdefault(customer_id, now)
        said = any(event.topic == DELETED for event in found)
        if said and 0 <= age < self.grace:  # below 0: the clock was set back
            raise LaterError(self.grace - age)
        if not said and now - since < self.unsaid:
            raise LaterError(self.unsaid - (now - since))
        await self._parts.erasure.remove(customer_id)
        self._missed.pop(customer_id, None)
