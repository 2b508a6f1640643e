"""HubSpot contacts (dated API): create or update, found by our unique property, then by e-mail.

`shopify_customer_id` and the e-mail are unique in HubSpot, so a second create is refused with 409
and becomes an update. A blank of ours is never sent, so it erases nothing. Before an existing
contact is written to or archived, it is read, to know whose it is.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from gateway.channels.base import Check, Context, Done, Work
from gateway.channels.crm.hubspot.client import SYSTEM, HubSpotClient
from gateway.channels.crm.hubspot.mapping import (
    OUR_PROPERTIES,
    OWNER,
    contact_properties,
    kept_back,
    takes,
    without,
)
from gateway.channels.crm.hubspot.owners import Owners
from gateway.channels.crm.hubspot.properties import NOT_UNIQUE, Properties
from gateway.channels.crm.hubspot.responses import Contact, contact, properties, refused
from gateway.channels.crm.hubspot.settings import HubspotSettings
from gateway.channels.crm.hubspot.shown import shown
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link

__all__ = ["HubSpot"]

_LACKS = "PROPERTY_DOESNT_EXIST"
_GONE = (
    "the contact is gone from HubSpot: restore it there within 90 days, "
    "or have a new one made with `replay --id ID --recreate`"
)


class HubSpot:
    consent = "accepts_marketing"

    def __init__(self, context: Context) -> None:
        settings = cast(Callable[[], HubspotSettings], context.settings)
        self._client = HubSpotClient(context.wire, settings)
        self._properties = Properties(self._client)
        self._owners = Owners(context)

    async def start(self) -> None:
        """Creates the properties before the first contact, not while somebody waits at the till."""

    async def close(self) -> None:
        return

    def forget(self) -> None:
        """Forgets the properties: they were another account's."""
        self._properties = Properties(self._client)

    def takes(self, customer: Customer) -> bool:
        return takes(customer)

    def fields_of(self, customer: Customer) -> dict[str, str]:
        """Our properties, without those that the account is known to lack."""
        return without(self._properties.absent, contact_properties(customer))[0]

    async def deliver(self, work: Work) -> Done:
        known = await self._properties.known()
        seen = self._properties.looked_at
        try:
            return await self._deliver(work, known)
        except UpstreamError as error:
            lacks = _LACKS in (error.reason or "")
            if not (lacks and self._properties.doubt(seen)):
                raise
        return await self._deliver(work, await self._properties.known())

    async def _deliver(self, work: Work, known: Mapping[str, bool]) -> Done:
        properties = contact_properties(work.customer)
        fields, left_out = without(OUR_PROPERTIES.keys() - known.keys(), properties)
        if work.link is not None:
            done = await self._bring_up_to_date(work.link.reference, fields, work)
        else:
            done = await self._write(work, fields)
        return replace(done, adjustments=[*left_out, *done.adjustments]) if left_out else done

    async def _write(self, work: Work, fields: Mapping[str, str]) -> Done:
        done = None if work.fresh else await self._adopt(work, fields)
        if done is not None:
            return done
        answer = await self._client.create(fields)
        if answer.status == 201:
            return Done("created", contact(answer).id, fields=fields, sent=fields)
        if answer.status not in {400, 409}:
            raise refused(answer)
        done = await self._adopt(work, fields)
        if done is None:
            raise refused(answer)
        return done

    async def _adopt(self, work: Work, fields: Mapping[str, str]) -> Done | None:
        """An existing contact becomes the customer's; None if there is none."""
        found = await self._find(work.customer)
        return None if found is None else await self._adopted(found, work, fields)

    async def _adopted(self, found: Contact, work: Work, fields: Mapping[str, str]) -> Done:
        former = await self._owners.claim(found, work.customer.id)
        reference = await self._update(found.id, fields, work)
        return Done("updated", reference, fields=fields, sent=fields, instead_of=former)

    async def _bring_up_to_date(
        self, contact_id: str, fields: Mapping[str, str], work: Work
    ) -> Done:
        """By the contact's id, so that a changed e-mail arrives; HubSpot accepts "" to clear."""
        changes = work.changes(fields)
        if not changes:
            return Done("updated", contact_id, fields=fields)
        found = await self._client.by_id(contact_id)
        if found is None:
            return await self._gone(work, fields)
        await self._owners.claim(found, work.customer.id)
        await work.announce(changes)
        sending, kept = kept_back(changes, fields)
        if sending:
            try:
                await self._update(found.id, sending, work)
            except UpstreamError as error:
                if error.error_class is not ErrorClass.CONFLICT or not found.owner:
                    raise
                return await self._move(found, fields, work, error)
        return Done("updated", contact_id, fields=fields, sent=changes, adjustments=kept)

    async def _move(
        self, old: Contact, fields: Mapping[str, str], work: Work, error: UpstreamError
    ) -> Done:
        """Of a customer who was merged away, while a contact of the survivor's own was made whose
        answer was lost: that one stays, and the other is archived. May be repeated.
        """
        own = await self._numbered(work.customer.member_number)
        if own is None or own.id == old.id:
            raise error
        done = await self._adopted(own, work, fields)
        await self._client.archive(old.id)
        return done

    async def _gone(self, work: Work, fields: Mapping[str, str]) -> Done:
        """Somebody deleted it in HubSpot, maybe on purpose: only a person has it created again. If
        another contact has the customer's number by now, that one is used.
        """
        own = await self._numbered(work.customer.member_number)
        if own is not None:
            return await self._adopted(own, work, fields)
        if not work.recreate:
            raise _conflict(_GONE)
        return await self._write(work, fields)

    async def _update(self, contact_id: str, fields: Mapping[str, str], work: Work) -> str:
        """The contact's id."""
        answer = await self._client.update(contact_id, fields)
        if answer.status == 200:
            return contact(answer).id
        if answer.status == 404:
            raise answer.error(ErrorClass.CONFLICT, _GONE)
        error = refused(answer)
        if error.error_class is ErrorClass.DUPLICATE:
            raise await self._taken(contact_id, work)
        raise error

    async def _taken(self, contact_id: str, work: Work) -> UpstreamError:
        """Another contact has the e-mail, or the customer's id: perhaps for a moment only."""
        other = await self._client.by("email", work.customer.profile.email)
        if other is not None and other.id != contact_id:
            owner = await self._owners.owner_of(other, work.customer.id)
            if owner is not None:
                return await self._owners.conflict(owner)
        return _conflict("another contact has this e-mail or customer id")

    async def remove(self, link: Link) -> Done:
        """Archives it; HubSpot keeps it for 90 days. Not if it is another customer's by now."""
        found = await self._client.by_id(link.reference)
        if found is None:
            return Done("archived", link.reference)
        if await self._owners.is_anothers(found, link.customer_id):
            return Done("kept", link.reference)
        await self._client.archive(found.id)
        self._owners.release(found.id, link.customer_id)
        return Done("archived", link.reference)

    async def _find(self, customer: Customer) -> Contact | None:
        """By our property first, by e-mail second; both are asked at once."""
        numbered, addressed = await asyncio.gather(
            self._numbered(customer.member_number),
            self._client.by("email", customer.profile.email),
        )
        return numbered or addressed

    async def _numbered(self, number: str) -> Contact | None:
        """By our property; nothing can be looked up by it where it is not unique."""
        unique = (await self._properties.known()).get(OWNER)
        return await self._client.by(OWNER, number) if unique else None

    async def record_of(self, customer_id: int) -> str | None:
        found = await self._numbered(str(customer_id))
        return found.id if found else None

    async def record(self, reference: str) -> Mapping[str, Any] | None:
        """The contact of a link, with all that the gateway gives one; None where it is gone."""
        return await self._client.read(reference)

    def shown(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """A record in the words in which all systems are compared."""
        return shown(fields)

    async def check(self) -> Sequence[Check]:
        await self._client.by("email", "nobody@example.com")  # 404 proves the scope as well
        listed = await self._client.properties()
        if listed.status != 200:
            return [Check("HubSpot", ok=False, detail="grant the scope crm.schemas.contacts.read")]
        known = properties(listed)
        if known.get(OWNER) is False:
            return [Check("HubSpot", ok=False, detail=NOT_UNIQUE)]
        lost = sorted(OUR_PROPERTIES.keys() - known.keys())
        detail = "contacts can be read"
        if lost:
            detail += f"; properties made at first use: {', '.join(lost)}"
        return [Check("HubSpot", ok=True, detail=detail)]


def _conflict(text: str) -> UpstreamError:
    return UpstreamError(SYSTEM, "update contact", ErrorClass.CONFLICT, text, applied=False)
