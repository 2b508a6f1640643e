"""HubSpot contacts (dated API): create or update, found by our unique property, then by e-mail.

`shopify_customer_id` and the e-mail are unique in HubSpot, so a create that happened twice is
refused with 409 and becomes an update. A blank of ours is never sent, so it erases nothing.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

import orjson

from gateway.channels.base import Check, Context, Done, Work
from gateway.channels.crm.answers import names, rate_limited, refused
from gateway.channels.crm.mapping import OUR_PROPERTIES, contact_properties, without
from gateway.channels.crm.settings import CrmSettings
from gateway.customer import Customer
from gateway.errors import ErrorClass
from gateway.outcomes import Link
from gateway.wire import Access, Answer, Call, RateLimit, dry_run

__all__ = ["HubSpot"]

log = logging.getLogger(__name__)

SYSTEM = "crm"
_PER_TEN_SECONDS = 100
"""Of Free and Starter accounts, until the answers' headers tell this account's own limit."""


class HubSpot:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._limit = RateLimit(time.monotonic, _PER_TEN_SECONDS, 10.0)
        self._properties: frozenset[str] | None = None
        self._preparing = asyncio.Lock()
        self._prepare_again = 0.0

    def _settings(self) -> CrmSettings:
        return cast(CrmSettings, self._context.settings())

    async def start(self) -> None:
        """Properties are made before the first contact, not while somebody waits at the till."""

    async def close(self) -> None:
        return

    def fields_of(self, customer: Customer) -> dict[str, str]:
        """Without those of our properties that the account is known to lack."""
        told = contact_properties(customer)
        if self._properties is None:
            return told
        return without(OUR_PROPERTIES.keys() - self._properties, told)[0]

    async def deliver(self, work: Work) -> Done:
        known = await self._known_properties()
        told = contact_properties(work.customer)
        properties, left_out = without(OUR_PROPERTIES.keys() - known, told)
        if work.link is not None:
            done = await self._bring_up_to_date(work.link.reference, properties, work)
        else:
            done = await self._write(work, known, properties)
        return replace(done, adjustments=left_out)

    async def _write(
        self, work: Work, known: frozenset[str], properties: Mapping[str, str]
    ) -> Done:
        if not work.fresh:
            found = await self._find(work, known)
            if found is not None:
                return await self._update(found, properties)
        answer = await self._call(
            "create contact",
            Access.WRITE,
            "POST",
            "",
            {"properties": properties, "associations": []},
        )
        if answer.status == 201:
            contact_id = self._contact_id(answer)
            return Done("created", contact_id, fields=properties, sent=properties)
        if answer.status not in {400, 409}:
            raise answer.error()
        found = await self._find(work, known)
        if found is None:
            raise refused(answer)
        return await self._update(found, properties)

    async def _bring_up_to_date(
        self, contact_id: str, properties: Mapping[str, str], work: Work
    ) -> Done:
        """By the contact's id, so that a changed e-mail moves; "" clears, which HubSpot takes."""
        changes = work.changes(properties)
        if changes:
            await work.announce(changes)
            await self._update(contact_id, changes, gone=ErrorClass.CONFLICT)
        return Done("updated", contact_id, fields=properties, sent=changes)

    async def _update(
        self,
        contact_id: str,
        properties: Mapping[str, str],
        gone: ErrorClass = ErrorClass.UNEXPECTED,
    ) -> Done:
        answer = await self._call(
            "update contact", Access.WRITE, "PATCH", f"/{contact_id}", {"properties": properties}
        )
        if answer.status == 200:
            found = self._contact_id(answer)
            return Done("updated", found, fields=properties, sent=properties)
        if answer.status == 404:
            raise answer.error(gone, "the contact is gone from HubSpot")
        if answer.status == 409:
            raise answer.error(
                ErrorClass.CONFLICT, "another contact has this e-mail or customer id"
            )
        raise refused(answer)

    async def remove(self, link: Link) -> Done:
        """Archived: HubSpot keeps it for 90 days. A contact that is gone is done too."""
        answer = await self._call("archive contact", Access.WRITE, "DELETE", f"/{link.reference}")
        if answer.status not in {204, 404}:
            raise answer.error()
        return Done("archived", link.reference)

    async def _find(self, work: Work, known: frozenset[str]) -> str | None:
        """By our property first, by e-mail second; both are asked at once."""
        looks = [self._get(work.customer.profile.email, "email")]
        if "shopify_customer_id" in known:
            looks.insert(0, self._get(work.customer.member_number, "shopify_customer_id"))
        found = await asyncio.gather(*looks)
        return next((contact for contact in found if contact is not None), None)

    async def _get(self, value: str, id_property: str) -> str | None:
        if not value:
            return None
        answer = await self._call(
            "find contact",
            Access.READ,
            "GET",
            f"/{quote(value, safe='@')}",
            params={"idProperty": id_property, "properties": "email"},
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise answer.error()
        return self._contact_id(answer)

    def _contact_id(self, answer: Answer) -> str:
        body = answer.json()
        if not isinstance(body, dict) or not body.get("id"):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a contact")
        return str(body["id"])

    async def _known_properties(self) -> frozenset[str]:
        """Ours among the account's properties; what is missing is made if the token may."""
        if self._properties is not None and time.monotonic() < self._prepare_again:
            return self._properties
        async with self._preparing:
            if dry_run.get():
                return await self._prepare()
            if self._properties is None or time.monotonic() >= self._prepare_again:
                self._properties = await self._prepare()
                complete = set(OUR_PROPERTIES) <= self._properties
                self._prepare_again = time.monotonic() + (86400 if complete else 300)
            return self._properties

    async def _prepare(self) -> frozenset[str]:
        answer = await self._property_call("list properties", Access.READ, "GET", None)
        if answer.status in {401, 429} or answer.status >= 500:
            raise answer.error()
        existing: set[str] = set()
        if answer.status == 200:
            existing = names(answer)
        if dry_run.get():
            return frozenset(existing & set(OUR_PROPERTIES))
        made = {name for name in OUR_PROPERTIES if name in existing or await self._make(name)}
        lost = sorted(set(OUR_PROPERTIES) - made)
        if lost:
            log.warning(
                "HubSpot lacks the contact properties %s and the token may not make them: they "
                "are left out. Make them by hand, or grant crm.schemas.contacts.write",
                ", ".join(lost),
            )
        return frozenset(made)

    async def _make(self, name: str) -> bool:
        body = {
            "name": name,
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
            **OUR_PROPERTIES[name],
        }
        answer = await self._property_call("create property", Access.WRITE, "POST", body)
        if answer.status in {401, 429} or answer.status >= 500:
            raise answer.error()
        return answer.status in {200, 201, 409}

    async def _property_call(
        self, operation: str, access: Access, method: str, body: Mapping[str, Any] | None
    ) -> Answer:
        settings = self._settings()
        url = f"{settings.hubspot_base_url}/crm/properties/{settings.hubspot_api_version}/contacts"
        return await self._send(operation, access, method, url, body)

    async def _call(
        self,
        operation: str,
        access: Access,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        settings = self._settings()
        url = (
            f"{settings.hubspot_base_url}/crm/objects/{settings.hubspot_api_version}/contacts{path}"
        )
        answer = await self._send(operation, access, method, url, body, params)
        if answer.status in {401, 403, 429} or answer.status >= 500:
            raise answer.error()
        return answer

    async def _send(
        self,
        operation: str,
        access: Access,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        await self._limit.acquire()
        token = self._settings().hubspot_access_token
        answer = await self._context.wire.send(
            Call(
                SYSTEM,
                operation,
                access,
                method,
                url,
                headers={
                    "Authorization": f"Bearer {token.get_secret_value() if token else ''}",
                    "Content-Type": "application/json",
                },
                params=params,
                body=None if body is None else orjson.dumps(body),
            )
        )
        self._learn_limit(answer)
        if answer.status == 429:
            self._limit.throttled(answer.error().retry_after)
            raise rate_limited(answer)
        return answer

    def _learn_limit(self, answer: Answer) -> None:
        """`X-HubSpot-RateLimit-Max` requests in `-Interval-Milliseconds`, where it says so."""
        most = answer.headers.get("X-HubSpot-RateLimit-Max", "")
        interval = answer.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if most.isdigit() and interval.isdigit() and int(most) >= 10 and int(interval) >= 1000:
            self._limit.allow(float(most), int(interval) / 1000)

    async def check(self) -> Sequence[Check]:
        await self._get("nobody@example.com", "email")  # 404 proves the scope as well
        listed = await self._property_call("list properties", Access.READ, "GET", None)
        if listed.status != 200:
            return [Check("HubSpot", ok=False, detail="grant the scope crm.schemas.contacts.read")]
        lost = sorted(set(OUR_PROPERTIES) - names(listed))
        detail = "contacts can be read"
        if lost:
            detail += f"; properties made at first use: {', '.join(lost)}"
        return [Check("HubSpot", ok=True, detail=detail)]
