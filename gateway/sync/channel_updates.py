"""Sends changes of a customer on to the channels: a difference opens a delivery, an echo does not.

If a channel has the customer, its record is updated. If not, the record is created only if the
customer signed up through us; the others are for `backfill` and SHOPIFY_SYNC_OTHERS.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from gateway import frozen
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import LIVE, REHEARSED, Owed, opening
from gateway.outcomes import Delivery, Kind, Link, NewDelivery, Outcome
from gateway.store import Engine, links, outbox

__all__ = ["ChannelStatus", "ChannelUpdates"]

_REHEARSAL = 60.0
"""Seconds to wait for a dry run; it continues after that."""


@frozen
class ChannelStatus:
    """Links and open deliveries of customers, by customer and channel."""

    links: Mapping[tuple[int, str], Link]
    open: Mapping[tuple[int, str], Delivery]


class ChannelUpdates:
    """Opens the deliveries that customers need, as Shopify has just answered."""

    def __init__(self, db: Engine, delivery: DeliveryParts, runtime: Runtime) -> None:
        self._db = db
        self._delivery = delivery
        self._runtime = runtime
        self.channels = tuple(n for n, r in delivery.routes.items() if r.spec.updates)

    async def changed(self, customers: Sequence[Customer], *, kind: Kind = Kind.UPDATE) -> int:
        """Opens or raises the deliveries for customers just read from Shopify; returns how many.

        If nothing differs this is one read of the database. If FLAG_UPDATES or the channel's flag
        is off, nothing is opened; an opt-out of mail is sent whatever they say.
        """
        if not customers:
            return 0
        channel_status = await self.channel_status([customer.id for customer in customers])
        owed = [
            (customer, new)
            for customer in customers
            for name in self.channels
            if (new := self._news(customer, name, channel_status, kind)) is not None
        ]
        if not owed:
            return 0
        now = self._runtime.clock()
        written = await self._db.write(
            lambda db: [outbox.add(db, c.id, None, [new], now)[0] for c, new in owed]
        )
        for (customer, new), delivery in zip(owed, written, strict=True):
            if new.outcome is Outcome.DRY_RUN:
                rehearsal = self._rehearse(delivery, customer)
                self._runtime.background.keep(rehearsal, f"dry run of delivery {delivery.id}")
            self.wake(new.channel)
        return len(owed)

    async def channel_status(self, customer_ids: Iterable[int]) -> ChannelStatus:
        ids = list(dict.fromkeys(customer_ids))

        def unit(db: sqlite3.Connection) -> ChannelStatus:
            return ChannelStatus(
                links.of_customers(db, self.channels, ids), outbox.open_of(db, ids)
            )

        return await self._db.read(unit)

    def _news(
        self, customer: Customer, channel: str, channel_status: ChannelStatus, kind: Kind
    ) -> NewDelivery | None:
        """None for an echo: nothing differs, or exactly this is being tried or was tried and
        failed.
        """
        waiting = channel_status.open.get((customer.id, channel))
        if waiting is not None and self._is_tried(waiting, customer):
            return None
        link = channel_status.links.get((customer.id, channel))
        return self._owed(customer, channel, link, waiting, kind=kind)

    def _is_tried(self, waiting: Delivery, customer: Customer) -> bool:
        preparation = self._delivery.preparation
        if waiting.outcome is Outcome.FAILED:
            return waiting.content_hash in preparation.content_hashes(waiting.channel, customer)
        return preparation.is_sending(waiting.channel, customer)

    def _owed(
        self,
        customer: Customer,
        channel: str,
        link: Link | None,
        waiting: Delivery | None,
        *,
        kind: Kind = Kind.UPDATE,
        live: bool = False,
    ) -> NewDelivery | None:
        """The delivery to open, or None. `waiting` is the open delivery; `live`: tried at once."""
        differs, opted_out = True, False
        if link is not None and not link.unproven:
            differs, opted_out = self._differences(customer, link)
        owed = Owed(
            customer.id,
            customer.profile.email,
            linked=link is not None,
            unproven=link is not None and bool(link.unproven),
            waiting=waiting,
            belongs=link is not None or self._may_be_made(channel, customer, waiting),
            differs=differs,
            opted_out=opted_out,
        )
        return opening(self._runtime.flags, channel, kind, owed, LIVE if live else REHEARSED)

    def _may_be_made(self, channel: str, customer: Customer, waiting: Delivery | None) -> bool:
        known = waiting is not None or bool(customer.registration_id)
        return known and self._delivery.routes[channel].channel.takes(customer)

    async def owed_beforehand(
        self, customer_id: int, *, opting_out: bool, not_before: float
    ) -> list[NewDelivery]:
        """The deliveries that a change opens before Shopify has answered: for each channel that has
        the customer, or has a delivery open.
        """
        channel_status = await self.channel_status([customer_id])
        owed = []
        for name in self.channels:
            link = channel_status.links.get((customer_id, name))
            waiting = channel_status.open.get((customer_id, name))
            whom = Owed(
                customer_id,
                linked=link is not None,
                unproven=link is not None and bool(link.unproven),
                waiting=waiting,
                belongs=waiting is not None,
                opted_out=opting_out and link is not None and self._can_send(name),
                not_before=not_before,
            )
            new = opening(self._runtime.flags, name, Kind.UPDATE, whom)
            owed += [] if new is None else [new]
        return owed

    async def owed_live(self, customer: Customer, before: Sequence[Delivery]) -> list[NewDelivery]:
        """The deliveries now that Shopify has made the change. `before`: opened beforehand."""
        channel_status = await self.channel_status([customer.id])
        opened = {delivery.id for delivery in before if delivery.version == 1}
        owed = []
        for name in self.channels:
            link = channel_status.links.get((customer.id, name))
            waiting = channel_status.open.get((customer.id, name))
            if waiting is not None and waiting.id in opened:
                waiting = None
            new = self._owed(customer, name, link, waiting, live=True)
            owed += [] if new is None else [new]
        return owed

    def wake(self, channel: str) -> None:
        self._runtime.listener.delivery_due(channel)

    def _differences(self, customer: Customer, link: Link) -> tuple[bool, bool]:
        """Whether anything differs, and whether the customer opted out of mail."""
        route = self._delivery.routes[link.channel]
        last_sent = self._delivery.preparation.last_sent(
            link.channel, customer.id, link.fingerprints
        )
        changes = last_sent.changes(route.channel.fields_of(customer))
        consent = route.channel.consent
        opted_out = (
            not customer.profile.accepts_marketing
            and consent in changes
            and last_sent.knows(consent)
            and self._can_send(link.channel)
        )
        return bool(changes), opted_out

    def _can_send(self, channel: str) -> bool:
        """A channel that is off may lack its settings."""
        return not self._delivery.routes[channel].settings().missing()

    async def _rehearse(self, delivery: Delivery, customer: Customer) -> None:
        until = asyncio.get_running_loop().time() + _REHEARSAL
        await self._delivery.deliverer.live([delivery], customer, fresh=False, until=until)
