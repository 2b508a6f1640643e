"""Two customers became one in Shopify: links and open deliveries move to the survivor.

Shopify chooses which of the two survives. The link moves before the deletion of the other customer
could undo it. Then the record is updated like after any change, behind the same flags.
"""

import sqlite3
from collections.abc import Mapping

from gateway.alerts import notices
from gateway.channels import POS
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import Owed, opening, removal
from gateway.duplicates import merged_online
from gateway.outcomes import Kind, Link, NewDelivery
from gateway.store import Engine, erasure, events, links, outbox
from gateway.sync.channel_updates import ChannelUpdates
from gateway.sync.webhooks.erasure import look_for_lost
from gateway.sync.webhooks.worker import LaterError

__all__ = ["CustomerMerges"]

_MERGED = "the customer was merged into another in Shopify"
_UNDER_WAY = 1.0
_AGAIN = "s?"
"""The mark of a field that has to be sent again, whatever it was."""


class CustomerMerges:
    def __init__(
        self, db: Engine, delivery: DeliveryParts, updates: ChannelUpdates, runtime: Runtime
    ) -> None:
        self._db = db
        self._delivery = delivery
        self._updates = updates
        self._runtime = runtime

    async def survivor(self, customer_id: int) -> int:
        return await self._db.read(lambda db: events.survivor(db, customer_id))

    async def is_waited_for(self, customer_id: int) -> bool:
        """Whether a merge of this customer was reported whose work is not done yet."""
        return await self._db.read(lambda db: events.is_being_merged(db, customer_id))

    async def came_to_nothing(self, event_id: str) -> None:
        """Both still exist: so this was no merge, and a later deletion is one."""
        await self._db.write(lambda db: events.no_merge(db, event_id))

    async def merge(self, gone: int, kept: int, customer: Customer | None) -> None:
        """`customer` is the survivor, None if they are gone as well."""
        if gone == kept:
            return
        names = self._updates.channels
        before = await self._db.read(lambda db: links.of_customers(db, names, [gone]))
        fingerprints = {
            link.channel: self._fingerprints(link, kept, customer) for link in before.values()
        }
        owed = self._owed(kept, customer)
        await self._delivery.clock_jumps.follow()
        now = self._runtime.clock()

        def unit(db: sqlite3.Connection) -> list[Link] | None:
            if erasure.is_under_way(db, [gone, kept]):
                return None
            theirs = {link.channel: link for link in links.of_customers(db, names, [kept]).values()}
            lost = erasure.in_doubt(db, gone, names)
            erasure.move_deliveries(db, gone, kept, [*theirs, *fingerprints], _MERGED, now)
            look_for_lost(db, gone, lost, now)
            left = []
            for (_, name), link in links.of_customers(db, names, [gone]).items():
                if name in theirs:
                    left.append(link)
                    self._leave(db, link, theirs[name], now)
                    continue
                erasure.move_link(db, name, gone, kept, fingerprints.get(name), now)
                if name == POS:
                    erasure.move_evidence(db, gone, kept)
                if name in owed:
                    (delivery,) = outbox.add(db, kept, None, [owed[name]], now)
                    erasure.replaces(db, delivery.id, gone)
            return left

        left = await self._db.write(unit)
        if left is None:
            raise LaterError(_UNDER_WAY)
        for name in names:
            self._runtime.listener.delivery_due(name)
        self._tell_of_two_members(left)

    def _fingerprints(
        self, link: Link, kept: int, customer: Customer | None
    ) -> dict[str, str] | None:
        """Sends again, with the survivor's data, the fields that we had sent; leaves the others
        alone.
        """
        if customer is None or link.fingerprints is None:
            return None
        fields = self._delivery.routes[link.channel].channel.fields_of(customer)
        nothing = self._delivery.preparation.last_sent(link.channel, kept, None)
        ours = {
            name: _AGAIN
            for name, fingerprint in link.fingerprints.items()
            if fingerprint[0] == _AGAIN[0]
        }
        return nothing.after(fields, {}) | ours

    def _owed(self, kept: int, customer: Customer | None) -> Mapping[str, NewDelivery]:
        """Opens the update for each channel, as the flags say."""
        if customer is None:
            return {}
        flags, owed = self._runtime.flags, Owed(kept, customer.profile.email, linked=True)
        return {
            name: new
            for name in self._updates.channels
            if (new := opening(flags, name, Kind.UPDATE, owed)) is not None
        }

    def _leave(self, db: sqlite3.Connection, link: Link, theirs: Link, now: float) -> None:
        """The survivor has a record of their own. The other store member keeps card and points; a
        person decides whether the two become one.
        """
        if link.channel == POS:
            links.remove(db, link.channel, link.customer_id, link.reference)
            pair = int(theirs.reference), int(link.reference)
            merged_online(db, *pair, now)
            return
        outbox.add(db, link.customer_id, None, [removal(link.channel)], now)

    def _tell_of_two_members(self, left: list[Link]) -> None:
        if any(link.channel == POS for link in left):
            self._runtime.listener.notice(notices.two_members())
