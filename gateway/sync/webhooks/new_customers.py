"""Customers made in Shopify elsewhere: at the checkout, in the admin, by another app."""

import asyncio
import sqlite3
import time
from collections.abc import Callable

from gateway.channels import Spec
from gateway.customer import Customer
from gateway.delivery import Deliverer
from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.registration.acceptance import OUTCOME_OF
from gateway.store import Database, erasure, links, outbox, registrations

__all__ = ["NewCustomers"]

_REHEARSAL = 30.0
"""Seconds that a channel may take to look, under `dry_run`."""


class NewCustomers:
    """`welcomed()` is SHOPIFY_SYNC_OTHERS; `due(channel)` wakes the worker.

    They get no welcome mail: that is for sign-ups.
    """

    def __init__(
        self,
        db: Database,
        deliverer: Deliverer,
        *,
        welcomed: Callable[[], bool],
        due: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._deliverer = deliverer
        self._welcomed = welcomed
        self._due = due
        self._clock = clock

    def _channels(self) -> list[Spec]:
        """Those that keep a record of a customer."""
        specs = (route.spec for route in self._deliverer.routes.values())
        return [spec for spec in specs if spec.updates]

    async def is_settling(self, customer: Customer) -> bool:
        """Whether to wait: a sign-up or an attempt is running, so its result cannot be compared
        yet.

        The same if our `registration.id` came with a merge in Shopify, and the merge's own webhook
        has not moved the links yet.
        """
        names = [spec.name for spec in self._channels()]

        def unit(db: sqlite3.Connection) -> bool:
            signed_up = registrations.get(db, customer.registration_id)
            if signed_up is None:
                return erasure.is_under_way(db, [customer.id])
            before = signed_up.customer_id
            merging = before not in {None, customer.id} and bool(
                links.of_customers(db, names, [before or 0])
            )
            unsettled = signed_up.state in {"open", "unclear"}
            return merging or unsettled or erasure.is_under_way(db, [customer.id])

        return await self._db.read(unit)

    async def is_known(self, customer: Customer) -> bool:
        """Whether they signed up through us, or a channel got them before."""
        if customer.registration_id:
            return True
        names = [spec.name for spec in self._channels()]

        def unit(db: sqlite3.Connection) -> bool:
            linked = links.of_customers(db, names, [customer.id])
            return bool(linked) or outbox.any_of(db, customer.id, names)

        return await self._db.read(unit)

    async def welcome(self, customer: Customer) -> None:
        """A delivery for each channel, as its flag says."""
        if not self._welcomed():
            return
        new = [self._owed(spec.name, customer) for spec in self._channels() if spec.takes(customer)]
        now = self._clock()
        written = await self._db.write(lambda db: outbox.add(db, customer.id, None, new, now))
        rehearsed = [d for d in written if d.outcome is Outcome.DRY_RUN]
        if rehearsed:
            until = asyncio.get_running_loop().time() + _REHEARSAL
            await self._deliverer.live(rehearsed, customer, fresh=False, until=until)
        for delivery in written:
            if delivery.outcome is Outcome.PENDING:
                self._due(delivery.channel)

    def _owed(self, channel: str, customer: Customer) -> NewDelivery:
        mode = self._deliverer.flag(channel, customer.id, customer.profile.email).mode
        outcome = OUTCOME_OF[mode]
        return NewDelivery(
            channel,
            Kind.REGISTRATION,
            outcome,
            claimed=outcome is Outcome.DRY_RUN,
        )
