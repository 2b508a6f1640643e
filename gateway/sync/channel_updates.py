"""Sends changes of a customer on to the channels: a difference opens a delivery, an echo does not.

If a channel has the customer, its record is updated. If not, the record is created only if the
customer signed up through us; the others are for `backfill` and SHOPIFY_SYNC_OTHERS.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flags import Mode
from gateway.customer import Customer
from gateway.delivery import Deliverer
from gateway.outcomes import Delivery, Kind, Link, NewDelivery, Outcome
from gateway.store import Database, links, outbox

__all__ = ["ChannelStatus", "ChannelUpdates"]

_REHEARSAL = 60.0
"""Seconds to wait for a dry run; it continues after that."""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """Links and open deliveries of customers, by customer and channel."""

    links: Mapping[tuple[int, str], Link]
    open: Mapping[tuple[int, str], Delivery]


class ChannelUpdates:
    """`wake(channel)` is called when something is due; `clock` is wall time."""

    def __init__(
        self,
        db: Database,
        deliverer: Deliverer,
        *,
        wake: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._deliverer = deliverer
        self._wake = wake
        self._clock = clock
        self.channels = tuple(n for n, r in deliverer.routes.items() if r.spec.updates)

    async def changed(self, customers: Sequence[Customer], *, kind: Kind = Kind.UPDATE) -> int:
        """Opens or raises the deliveries for customers just read from Shopify; returns how many.

        If nothing differs this is one look into the database. If FLAG_UPDATES or the channel's flag
        is off, nothing is opened; opting out of mail goes whatever they say.
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
        now = self._clock()
        written = await self._db.write(
            lambda db: [outbox.add(db, c.id, None, [new], now)[0] for c, new in owed]
        )
        for (customer, new), delivery in zip(owed, written, strict=True):
            if new.outcome is Outcome.DRY_RUN:
                self._deliverer.keep(self._rehearse(delivery, customer))
            self._wake(new.channel)
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
        """None for an echo: nothing differs, or just this is being tried or was tried in vain."""
        waiting = channel_status.open.get((customer.id, channel))
        if waiting is not None and self._is_tried(waiting, customer):
            return None
        link = channel_status.links.get((customer.id, channel))
        return self._owed(customer, channel, link, waiting, kind=kind)

    def _is_tried(self, waiting: Delivery, customer: Customer) -> bool:
        preparation = self._deliverer.preparation
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
        differs, urgent = True, False
        if link is not None and link.unproven:
            return None  # no change goes there until the e-mail is proven
        if link is not None:
            differs, urgent = self._differences(customer, link)
        elif not self._may_be_made(channel, customer, waiting):
            return None
        email, linked = customer.profile.email, link is not None
        mode = self._mode(channel, customer.id, waiting, email, linked=linked, kind=kind)
        if not differs and not (live and mode is Mode.ON):
            return None
        outcome = _outcome(mode, urgent=urgent, waiting=waiting)
        if outcome is None:
            return None
        tried = outcome is Outcome.DRY_RUN or (
            live and outcome is Outcome.PENDING and (mode is Mode.ON or urgent)
        )
        return NewDelivery(channel, kind, outcome, tried, urgent=urgent)

    def _may_be_made(self, channel: str, customer: Customer, waiting: Delivery | None) -> bool:
        known = waiting is not None or bool(customer.registration_id)
        return known and self._deliverer.routes[channel].spec.takes(customer)

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
            if (link is None and waiting is None) or (link is not None and link.unproven):
                continue
            urgent = opting_out and link is not None and self._can_send(name)
            mode = self._mode(name, customer_id, waiting, None, linked=link is not None)
            outcome = _outcome(mode, urgent=urgent, waiting=waiting)
            if outcome in {Outcome.PENDING, Outcome.HELD}:
                owed.append(
                    NewDelivery(
                        name,
                        Kind.UPDATE,
                        outcome,
                        not_before=not_before,
                        urgent=urgent,
                    )
                )
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
        self._wake(channel)

    def _mode(
        self,
        channel: str,
        customer_id: int,
        waiting: Delivery | None,
        email: str | None,
        *,
        linked: bool,
        kind: Kind = Kind.UPDATE,
    ) -> Mode:
        """For an open delivery, the flags of its own kind count."""
        decide = self._deliverer.preparation.flag_policy.decide
        asked = kind if waiting is None else waiting.kind
        return decide(channel, customer_id, asked, email, linked=linked).mode

    def _differences(self, customer: Customer, link: Link) -> tuple[bool, bool]:
        """Whether anything differs, and whether the customer opted out of mail."""
        route = self._deliverer.routes[link.channel]
        last_sent = self._deliverer.preparation.last_sent(
            link.channel, customer.id, link.fingerprints
        )
        changes = last_sent.changes(route.channel.fields_of(customer))
        consent = route.spec.consent
        opted_out = (
            not customer.profile.accepts_marketing
            and consent in changes
            and last_sent.knows(consent)
            and self._can_send(link.channel)
        )
        return bool(changes), opted_out

    def _can_send(self, channel: str) -> bool:
        """A channel that is off may lack its settings."""
        return not self._deliverer.routes[channel].settings().missing()

    async def _rehearse(self, delivery: Delivery, customer: Customer) -> None:
        until = asyncio.get_running_loop().time() + _REHEARSAL
        await self._deliverer.live([delivery], customer, fresh=False, until=until)


def _outcome(mode: Mode, *, urgent: bool, waiting: Delivery | None) -> Outcome | None:
    """None: no delivery. If one is open already, its flags are read again at its attempt."""
    if mode is Mode.ON or urgent:
        return Outcome.PENDING
    if mode is Mode.HOLD:
        return Outcome.HELD
    if waiting is not None and waiting.outcome is Outcome.HELD:
        return Outcome.HELD if mode is Mode.DRY_RUN else None  # it stays as it is
    if waiting is not None:
        return Outcome.PENDING
    return Outcome.DRY_RUN if mode is Mode.DRY_RUN else None
