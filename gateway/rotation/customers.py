"""Customer by customer: what is kept of them is keyed anew, from what Shopify has today.

A hash tells nothing, so a value has to be at hand to be hashed anew. What fits no value of today is
left: it differs from all of them by the newest secret too, which is what it says.
"""

import asyncio
from collections.abc import Mapping
from functools import partial

from gateway.channels.last_sent import Fingerprints, all_known, rekeyed
from gateway.channels.smaregi import Smaregi
from gateway.channels.smaregi.from_member import record_values
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Live
from gateway.errors import NotReadyError
from gateway.shopify import Shopify
from gateway.store import Engine, Keys, rekeying

__all__ = ["CustomerRekeying"]

_TILL = "smaregi"
_STATUSES = ("0", "1", "2", "3", "4", "gone")
_AT_ONCE = 50

Values = dict[str, set[str]]
Hashes = Mapping[str, Mapping[str, str]]


class CustomerRekeying:
    """Smaregi is read where it is in use."""

    def __init__(
        self,
        db: Engine,
        keys: Keys,
        shopify: Shopify,
        delivery: DeliveryParts,
        smaregi: Smaregi,
        live: Live,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._delivery = delivery
        self._smaregi = smaregi
        self._live = live

    async def page(self, after: int) -> list[int]:
        """Key the next customers anew; their ids. Raises UpstreamError, and may be repeated."""
        ids = await self._db.read(lambda db: rekeying.customers_after(db, after, _AT_ONCE))
        found = await self._shopify.read(ids)
        results = await asyncio.gather(*map(self._one, found.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return ids

    async def _one(self, customer: Customer) -> None:
        emails = self._delivery.preparation.emails(customer)
        evidence = self._smaregi.index.signup_evidence(customer.profile)
        await self._db.write(lambda db: rekeying.customer(db, customer.id, emails, evidence))
        for channel in self._delivery.routes:
            # An attempt that is under way writes the fingerprints that it has read.
            async with self._delivery.preparation.turn(channel, customer.id):
                await self._record(channel, customer)
        await self._delivery.proofs.release(customer.id)

    async def _record(self, channel: str, customer: Customer) -> None:
        kept = await self._db.read(
            partial(rekeying.record_of, channel=channel, customer_id=customer.id)
        )
        fingerprints = {**(kept.planned or {}), **(kept.fingerprints or {})}
        if not fingerprints and kept.content_hash is None:
            return
        values = _values(fingerprints, self._delivery.routes[channel].channel.fields_of(customer))
        hashes = self._hashes(channel, customer.id, values)
        if (
            channel == _TILL
            and kept.reference
            and "t" in fingerprints
            and not all_known(fingerprints, hashes)
        ):
            await self._add_record_values(values, kept.reference)
            hashes = self._hashes(channel, customer.id, values)
        content_hashes = self._delivery.preparation.content_hashes(channel, customer)
        await self._db.write(
            partial(
                rekeying.record,
                channel=channel,
                customer_id=customer.id,
                rekeyed=partial(rekeyed, hashes=hashes),
                content_hashes=content_hashes,
            )
        )

    async def _add_record_values(self, values: Values, member_id: str) -> None:
        """What the till holds otherwise than Shopify, which its next change is judged by."""
        if not self._live.policy.uses(_TILL):
            raise NotReadyError(
                _TILL, "what its members hold has to be read once: set FLAG_SMAREGI=hold meanwhile"
            )
        row = await self._smaregi.client.by_id(member_id)
        for name, value in record_values(row or {}).items():
            values.setdefault(name, set()).add(value)

    def _hashes(self, channel: str, customer_id: int, values: Values) -> Hashes:
        """Of each field: any hash of one of its values -> that by the newest secret."""
        scope, hashes = f"{channel} {customer_id}", dict[str, dict[str, str]]()
        for name, texts in values.items():
            for text in texts:
                newest, *older = (
                    k.field_fingerprints(scope, {name: text})[name] for k in self._keys.every
                )
                hashes.setdefault(name, {}).update(dict.fromkeys((newest, *older), newest))
        return hashes


def _values(fingerprints: Fingerprints, fields: Mapping[str, str]) -> Values:
    """What a fingerprint may be of: the customer's value, or none; a status is one of few."""
    names = {name.removeprefix("t:") for name in fingerprints}
    values: Values = {name: {"", fields.get(name, "")} for name in names}
    if "status" in values:
        values["status"].update(_STATUSES)
    return values
