"""Customers made in Shopify elsewhere: at the checkout, in the admin, by another app."""

import asyncio
import sqlite3

from gateway.channels import Spec
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import REHEARSED, Owed, opening
from gateway.outcomes import Kind, Outcome
from gateway.store import Engine, erasure, links, outbox, registrations

__all__ = ["NewCustomers"]

_REHEARSAL = 30.0
"""Seconds that a channel may take to look, under `dry_run`."""


class NewCustomers:
    """Are sent to the channels if SHOPIFY_SYNC_OTHERS is on.

    They get no welcome mail: that is for sign-ups.
    """

    def __init__(self, db: Engine, delivery: DeliveryParts, runtime: Runtime) -> None:
        self._db = db
        self._delivery = delivery
        self._runtime = runtime

    def _channels(self) -> list[Spec]:
        """Those that keep a record of a customer."""
        specs = (route.spec for route in self._delivery.routes.values())
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
        if not self._runtime.policy.sync_newcomers:
            return
        routes = self._delivery.routes
        flags, owed = self._runtime.flags, Owed(customer.id, customer.profile.email)
        new = [
            each
            for spec in self._channels()
            if routes[spec.name].channel.takes(customer)
            and (each := opening(flags, spec.name, Kind.REGISTRATION, owed, REHEARSED))
        ]
        now = self._runtime.clock()
        written = await self._db.write(lambda db: outbox.add(db, customer.id, None, new, now))
        until = asyncio.get_running_loop().time() + _REHEARSAL
        await self._delivery.deliverer.run_live(written, customer, fresh=False, until=until)
        for delivery in written:
            if delivery.outcome is Outcome.PENDING:
                self._runtime.listener.delivery_due(delivery.channel)
