"""Changes a customer: writes what differs from Shopify's state, each part by its own mutation.

Everything is computed from the customer as just read. So a change whose answer was lost is simply
made again: what has arrived no longer differs.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.customer import Customer, Profile, gid
from gateway.errors import ErrorClass, UpstreamError
from gateway.normalize import country_of, parse_fields, phone_of
from gateway.shopify import documents
from gateway.shopify.client import GraphQL
from gateway.shopify.documents import Document
from gateway.shopify.mapping import (
    KEPT_PHONE,
    METAFIELDS,
    WRITTEN_PHONE,
    address_input,
    consent,
    metafield,
)
from gateway.shopify.placing import (
    PHONE_KEPT,
    address_warnings,
    e164,
    has_extension,
    unfit_phone,
)
from gateway.shopify.reading import customer_of, payload_of, unexpected
from gateway.shopify.refusals import refused_by
from gateway.shopify.results import (
    Changed,
    ChangeResult,
    EmailTaken,
    Missing,
    Refused,
    Warnings,
)
from gateway.shopify.shown import customer_fields, differing
from gateway.wording import Fault

__all__ = ["Change"]

_PAUSE = 0.25
"""Seconds before a change whose answer was lost is made again."""
_FINAL = {ErrorClass.AUTH, ErrorClass.INVALID_DATA}
"""Answers that would be the same if the change were made again at once."""
_TEXTS = {"email": "email", "last_name": "lastName", "first_name": "firstName"}
_ADDRESS = {"countryCode": "countryCodeV2"}
"""Fields of an address that are read under another name than they are written."""
_UNREAD = {"firstName", "lastName"}

Node = Mapping[str, Any]


class _Stopped(Exception):  # noqa: N818 - a turn in the flow, caught below
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


class Change:
    """`changes`: fields of a `Profile` and their new values, validated; a blank one clears.
    `given`: those that somebody sent, as they wrote them.
    """

    def __init__(
        self,
        graphql: GraphQL,
        customer_id: int,
        changes: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> None:
        self._graphql = graphql
        self._gid = gid(customer_id)
        self._changes = changes
        self._given = given
        self._with_phone = True
        self._partly = False  # whether anything was written, also by an earlier try
        self._new_email = False  # also where an earlier try, whose answer was lost, changed it
        self._deadline = 0.0

    async def run(self, deadline: float, clock: Callable[[], float]) -> ChangeResult:
        while True:
            try:
                return await self._once(deadline)
            except UpstreamError as error:
                final = error.applied is False or error.error_class in _FINAL
                if final or clock() + _PAUSE >= deadline:
                    raise
            await asyncio.sleep(_PAUSE)

    async def _once(self, deadline: float) -> ChangeResult:
        node = await self._read(deadline)
        if node is None:
            return Missing()
        existing = customer_of(node, documents.READ_MANY)
        self._leave_what_is_as_shown(existing)
        wanted = replace(existing.profile, **self._changes)
        if self._no_phone(wanted):
            return Refused((Fault.PHONE.at("phone"),), partly=self._partly)
        self._deadline = deadline
        try:
            warnings = await self._update(node, existing, wanted)
            await self._consent(node)
            await self._address(node, wanted)
            await self._clear(node, wanted)
        except _Stopped as turn:
            refused = turn.refused
            if refused.email_taken:
                return EmailTaken()
            return replace(refused, partly=self._partly)
        if self._partly:
            node = await self._read(deadline)
        if node is None:
            return Missing()
        all_warnings = (*warnings, *self._address_warnings())
        return Changed(customer_of(node, documents.FIND), all_warnings, self._new_email)

    def _leave_what_is_as_shown(self, existing: Customer) -> None:
        """A form sends every field back, also those that our own rules would write otherwise.

        Asked once: after that Shopify may show what this very change has written.
        """
        rest = differing(self._given, customer_fields(existing))
        same = self._given.keys() - rest.keys()
        self._changes = {n: value for n, value in self._changes.items() if n not in same}
        self._given = {}

    def _no_phone(self, wanted: Profile) -> bool:
        """The form does not know the country of an address that Shopify has."""
        phone = self._changes.get("phone")
        return bool(phone) and country_of(wanted) == "JP" and phone_of(wanted) is None

    def _address_warnings(self) -> Warnings:
        address = self._changes.get("address")
        return address_warnings(parse_fields(address)) if address else ()

    async def _read(self, deadline: float) -> Node | None:
        data = await self._graphql.run(documents.READ_MANY, {"ids": [self._gid]}, deadline)
        nodes = data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != 1:
            raise unexpected("the answer holds no node", documents.READ_MANY)
        found: Node | None = nodes[0]
        return found

    async def _mutate(self, document: Document, variables: Mapping[str, Any], sent: Node) -> None:
        data = await self._graphql.run(document, dict(variables), self._deadline)
        refused = refused_by(payload_of(data, document), document, sent)
        if refused is not None:
            raise _Stopped(refused)
        self._partly = True

    async def _update(self, node: Node, existing: Customer, wanted: Profile) -> Warnings:
        """Names, e-mail, phone, language and metafields; a phone that is refused is kept aside."""
        self._with_phone = True
        body = self._update_input(node, existing, wanted)
        self._new_email = self._new_email or "email" in body
        try:
            await self._write(body)
        except _Stopped as turn:
            if not (body.get("phone") and turn.refused.phone_alone):
                raise
            self._with_phone = False
            await self._write(self._update_input(node, existing, wanted))
        if not self._with_phone:
            return (PHONE_KEPT,)
        return unfit_phone(wanted) if "phone" in self._changes else ()

    async def _write(self, body: Mapping[str, Any]) -> None:
        if body:
            await self._mutate(documents.UPDATE, {"input": {"id": self._gid, **body}}, body)

    def _update_input(self, node: Node, existing: Customer, wanted: Profile) -> dict[str, Any]:
        body: dict[str, Any] = {
            key: self._changes[name]
            for name, key in _TEXTS.items()
            if name in self._changes and getattr(existing.profile, name) != self._changes[name]
        }
        if "phone" in self._changes:
            phone = e164(wanted) if self._with_phone else ""
            if phone != ((node.get("defaultPhoneNumber") or {}).get("phoneNumber") or ""):
                body["phone"] = phone or None
        if self._changes.get("locale") not in {None, node.get("locale")}:
            body["locale"] = self._changes["locale"]
        present = _metafields(node)
        differing = [
            metafield(place, value)
            for place, value in self._metafields(wanted).items()
            if value and present.get(place[:2]) != value
        ]
        return body | ({"metafields": differing} if differing else {})

    def _metafields(self, profile: Profile) -> dict[tuple[str, str, str], str]:
        """The metafields that the change is about; '' for those that are to go."""
        wanted = {
            place: str(self._changes[name])
            for name, place in METAFIELDS.items()
            if name in self._changes
        }
        if self._changes.get("gender") == "unknown":
            wanted[METAFIELDS["gender"]] = ""
        if "phone" in self._changes:
            wanted[WRITTEN_PHONE] = profile.phone if has_extension(profile) else ""
            wanted[KEPT_PHONE] = "" if self._with_phone and e164(profile) else profile.phone
        return wanted

    async def _consent(self, node: Node) -> None:
        wanted = self._changes.get("accepts_marketing")
        state = (node.get("defaultEmailAddress") or {}).get("marketingState")
        asked = state in {"SUBSCRIBED", "PENDING"}
        if wanted is None or (state == "SUBSCRIBED" if wanted else not asked):
            return
        given = consent() if wanted else {"marketingState": "UNSUBSCRIBED"}
        body = {"customerId": self._gid, "emailMarketingConsent": given}
        await self._mutate(documents.CONSENT, {"input": body}, body)

    async def _address(self, node: Node, profile: Profile) -> None:
        """The default address is replaced as a whole; the customer's others stay."""
        current: Node = node.get("defaultAddress") or {}
        wanted = self._address_input(current, profile)
        read = {key: current.get(_ADDRESS.get(key, key)) or "" for key in wanted}
        if all(read[key] == value for key, value in wanted.items() if key not in _UNREAD):
            return
        address = {key: value or None for key, value in wanted.items()}
        variables: dict[str, Any] = {"customerId": self._gid, "address": address}
        if current:
            variables["addressId"] = current["id"]
            await self._mutate(documents.ADDRESS_UPDATE, variables, address)
        else:
            await self._mutate(documents.ADDRESS_CREATE, variables, address)

    def _address_input(self, current: Node, profile: Profile) -> dict[str, str]:
        if "address" in self._changes and profile.address is not None:
            return address_input(profile, profile.address)
        wanted: dict[str, str] = {}
        if current and "address" in self._changes:
            wanted = dict.fromkeys(("provinceCode", "zip", "city", "address1", "address2"), "")
        if current and "phone" in self._changes:
            wanted["phone"] = e164(profile)
        return wanted

    async def _clear(self, node: Node, profile: Profile) -> None:
        present = _metafields(node)
        gone = [
            {"ownerId": self._gid, "namespace": place[0], "key": place[1]}
            for place, value in self._metafields(profile).items()
            if not value and place[:2] in present
        ]
        if gone:
            await self._mutate(documents.CLEAR, {"metafields": gone}, {})


def _metafields(node: Node) -> dict[tuple[str, str], str]:
    found = {
        ("registration", each["key"]): str(each["value"])
        for each in (node.get("registration") or {}).get("nodes", ())
    }
    birth_date = (node.get("birthDate") or {}).get("value")
    return found | ({("facts", "birth_date"): birth_date} if birth_date else {})
