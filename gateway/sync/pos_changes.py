"""Sends changes made at the till to Shopify, and from there to the other channels.

    a member changed        its webhook is on disk; the work is repeated until it has ended
    marks say what goes     a repetition knows the value in Shopify for the till's own
    Shopify is written      a repetition finds that Shopify has the same value by now
    marks are written       they also say that the other channels have not been told yet
    deliveries are opened   one for each channel; only then is the webhook done

Changes of one customer are made one after the other, whichever side they come from. The echo of a
write to Shopify meets marks that say so, and is no change; nor is the same value written otherwise.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway import frozen
from gateway.alerts import notices
from gateway.channels.last_sent import OWED, LastSent
from gateway.channels.smaregi import Smaregi
from gateway.channels.smaregi.from_member import record_values
from gateway.channels.smaregi.three_way import Comparison, compare
from gateway.customer import Customer
from gateway.delivery import Runtime
from gateway.delivery.preparation import Preparation
from gateway.outcomes import Link
from gateway.shopify import Changed, Refused, Shopify
from gateway.store import Engine, links
from gateway.sync.channel_updates import ChannelUpdates
from gateway.sync.profile_change import ProfileChanges
from gateway.sync.webhooks.worker import LaterError

__all__ = ["PosChanges", "PosParts"]

log = logging.getLogger(__name__)

CHANNEL = "smaregi"
_AT_ONCE = 8
_MOST = 500
"""At most so many members of one round are read one by one."""
_AGAIN = 1.0
"""Seconds until a member is looked at again if an attempt wrote to it meanwhile."""
_LONGEST_WRITE = 20.0
_STATUS, _PRESENT, _GONE = "status", "0", "gone"
_LEFT = {"3": "withdrawn", "4": "merged into another", _GONE: "deleted"}


@frozen
class PosParts:
    db: Engine
    shopify: Shopify
    smaregi: Smaregi
    preparation: Preparation
    changes: ProfileChanges
    updates: ChannelUpdates


class PosChanges:
    """Works if SMAREGI_SYNC_CHANGES is on. `whole_pass`: set to ask for a pass over all members."""

    def __init__(self, parts: PosParts, whole_pass: asyncio.Event, runtime: Runtime) -> None:
        self._parts = parts
        self._whole_pass = whole_pass
        self._runtime = runtime

    @property
    def is_wanted(self) -> bool:
        return self._runtime.policy.sync_pos

    async def linked(self, member_ids: Iterable[int]) -> list[Link]:
        """Those of the members who are linked to a customer, with a proven e-mail."""
        ids = [str(each) for each in member_ids]
        found = await self._parts.db.read(lambda db: links.of_references(db, CHANNEL, ids))
        return [link for link in found if not link.unproven]

    def is_news(self, link: Link, row: Mapping[str, Any]) -> bool:
        """Whether a member's row, of any age, is worth a look."""
        last_sent = self._last_sent(link)
        new = (
            not last_sent.knows_record
            or last_sent.is_owed
            or last_sent.changed_in_record(record_values(row))
        )
        return bool(new) or _is_left(last_sent, str(row.get("status") or _PRESENT)) is not None

    async def members_changed(self, member_ids: Iterable[int]) -> None:
        """Takes over what the till changed. Raises LaterError, or the first UpstreamError after all
        the others were looked at.
        """
        if not self.is_wanted:
            return
        slots = asyncio.Semaphore(_AT_ONCE)
        found = await self.linked(member_ids)
        if len(found) > _MOST:
            self._whole_pass.set()
            return
        results = await asyncio.gather(
            *(self._one(link, slots) for link in found), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one(self, link: Link, slots: asyncio.Semaphore) -> None:
        async with slots, self._parts.changes.turn(link.customer_id):
            await self._look(link.customer_id, link.reference)

    async def _look(self, customer_id: int, member_id: str) -> None:
        """Reads the fingerprints before the member, because an attempt may be writing to it."""
        parts = self._parts
        link = await parts.db.read(lambda db: links.get(db, CHANNEL, customer_id))
        if link is None or link.reference != member_id or link.unproven:
            return
        last_sent = self._last_sent(link)
        row = await parts.smaregi.client.by_id(member_id)
        status = str(row.get("status") or _PRESENT) if row is not None else _GONE
        if (left := _is_left(last_sent, status)) is not None:
            await self._has_left(link, last_sent, status, left)
        if row is None or status in _LEFT:
            return
        if (
            last_sent.knows_record
            and not last_sent.is_owed
            and not last_sent.changed_in_record(record_values(row))
        ):
            return
        customer = (await parts.shopify.read([customer_id])).get(customer_id)
        if customer is not None:
            await self._agree(link, last_sent, row, customer)

    async def _agree(
        self, link: Link, last_sent: LastSent, row: Mapping[str, Any], customer: Customer
    ) -> None:
        fields = self._fields(customer)
        if not last_sent.knows_record:
            await self._remember(link, last_sent.adopt_record(fields, record_values(row)))
            return
        comparison = compare(last_sent, row, customer, fields)
        link = await self._announced(link, comparison.writing(fields))
        customer = await self._to_shopify(comparison, customer) or customer
        fingerprints = dict(comparison.fingerprints(self._fields(customer)))
        # `same` may be what a repetition finds after its first run wrote to Shopify and died.
        owed = last_sent.is_owed or comparison.to_shopify or comparison.same or comparison.lost
        if fingerprints:
            await self._remember(link, fingerprints | ({OWED: OWED} if owed else {}))
        self._count_and_log(link, comparison)
        if owed:
            await self._parts.updates.changed([customer])
            await self._parts.db.write(lambda db: links.forget_fingerprint(db, link, OWED))

    async def _announced(self, link: Link, marks: Mapping[str, str]) -> Link:
        """If we die once Shopify has the till's value, and the till changes it again, ours is not
        taken for a change of Shopify's own.
        """
        if not marks:
            return link
        await self._remember(link, marks)
        known = {**(link.fingerprints or {}), **marks}
        return replace(link, fingerprints={name: mark for name, mark in known.items() if mark})

    async def _to_shopify(self, comparison: Comparison, customer: Customer) -> Customer | None:
        """The customer as Shopify has them after the change. What Shopify refuses is reported to
        administrators, and not tried again.
        """
        while comparison.to_shopify:
            until = asyncio.get_running_loop().time() + _LONGEST_WRITE
            result = await self._parts.shopify.change(customer.id, comparison.to_shopify, until)
            if isinstance(result, Changed):
                return result.customer
            if not isinstance(result, Refused):
                return None  # gone: a webhook about that comes by itself
            self._refused(comparison, customer.id, result)
        return None

    def _refused(self, comparison: Comparison, customer_id: int, result: Refused) -> None:
        named = {error.field.split(".")[0] for error in result.errors}
        units = named & comparison.to_shopify.keys() or set(comparison.to_shopify)
        for unit in sorted(units):
            comparison.refused(unit)
        self._count("refused", len(units))
        fields = ", ".join(sorted(units))
        self._runtime.listener.notice(notices.refused_from_till(customer_id, fields))

    def _count_and_log(self, link: Link, comparison: Comparison) -> None:
        if comparison.to_shopify:
            names = ", ".join(comparison.to_shopify)
            log.info("customer %d: changed at the till: %s", link.customer_id, names)
            self._count("taken", len(comparison.to_shopify))
        if comparison.lost:
            names = ", ".join(comparison.lost)
            text = "customer %d: changed at the till and in Shopify, Shopify's counts: %s"
            log.warning(text, link.customer_id, names)
            self._count("lost", len(comparison.lost))

    async def _has_left(self, link: Link, last_sent: LastSent, status: str, left: str) -> None:
        await self._remember(link, last_sent.accept_record({_STATUS: status}))
        if left:
            told = notices.member_left(link.reference, link.customer_id, left)
            self._runtime.listener.notice(told)

    async def _remember(self, link: Link, fingerprints: Mapping[str, str]) -> None:
        if not await self._parts.db.write(
            lambda db: links.update_fingerprints(db, link, fingerprints)
        ):
            raise LaterError(_AGAIN)

    def _count(self, result: str, fields: int) -> None:
        self._runtime.listener.pos_changed(result, fields)

    def _last_sent(self, link: Link) -> LastSent:
        return self._parts.preparation.last_sent(CHANNEL, link.customer_id, link.fingerprints)

    def _fields(self, customer: Customer) -> Mapping[str, str]:
        return self._parts.smaregi.fields_of(customer)


def _is_left(last_sent: LastSent, status: str) -> str | None:
    """How the member left, '' if it came back; None if that is known already."""
    known = (
        last_sent.changed_in_record({_STATUS: status})
        if last_sent.has_own_value(_STATUS)
        else status in _LEFT
    )
    return _LEFT.get(status, "") if known else None
