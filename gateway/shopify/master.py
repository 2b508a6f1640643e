"""Shopify as the customer master: create once, know our own, adopt guests, read afresh.

A lost answer is resolved by looking, never by creating again: `registration.id`, a unique metafield
of type `id`, is the proof that a customer is this registration's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.customer import Customer, Profile, gid
from gateway.errors import ErrorClass, UpstreamError
from gateway.settings import ShopifySettings
from gateway.shopify import documents
from gateway.shopify.client import SYSTEM, GraphQL
from gateway.shopify.documents import Document
from gateway.shopify.mapping import (
    consent,
    customer_input,
    e164,
    field_errors,
    fill_input,
    replace_input,
    to_customer,
)

__all__ = ["Accepted", "AlreadyRegistered", "Refused", "Shopify"]

log = logging.getLogger(__name__)

Warnings = tuple[Mapping[str, str], ...]
_PHONE_KEPT = {
    "field": "phone",
    "message": "Shopify does not take this phone number for this customer (refused, or it belongs "
    "to another customer); it is kept beside the address only",
}
_READ_BATCH = 50
_SCOPES = ("read_customers", "write_customers")


@dataclass(frozen=True, slots=True)
class Accepted:
    customer: Customer
    action: Literal["created", "adopted"]
    warnings: Warnings = ()


@dataclass(frozen=True, slots=True)
class AlreadyRegistered:
    """Somebody enabled, or registered through us, has this e-mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What Shopify refuses, under our fields' names: `{field, message}` each."""

    errors: tuple[Mapping[str, str], ...]


Result = Accepted | AlreadyRegistered | Refused
IsOurs = Callable[[str], Awaitable[bool]]
"""Whether a registration id is one of ours of whose end nobody was told."""


class _PhoneTaken(Exception):  # noqa: N818 - a turn in the flow, caught below
    pass


class Shopify:
    def __init__(
        self, graphql: GraphQL, settings: Callable[[], ShopifySettings], clock: Callable[[], float]
    ) -> None:
        self._graphql = graphql
        self._settings = settings
        self._clock = clock
        self._defined = False
        self._defining: asyncio.Task[None] | None = None
        self._define_again = 0.0

    async def register(
        self,
        registration_id: str,
        profile: Profile,
        *,
        is_ours: IsOurs,
        look_first: bool,
        deadline: float,
    ) -> Result:
        """Make the customer, or find out what Shopify has instead.

        `look_first`: an earlier try of this registration stayed unclear. Raises UpstreamError;
        its `applied` is False where certainly nothing was created.
        """
        await self._wait_for_definitions()
        if look_first:
            existing = await self.find(registration_id, profile.email, deadline)
            if existing is not None:
                return await self._settle_existing(
                    existing, registration_id, profile, is_ours, deadline
                )
        try:
            return await self._create(registration_id, profile, is_ours, deadline)
        except UpstreamError as error:
            if error.applied is False:
                raise
            return await self._resolve(error, registration_id, profile, is_ours, deadline)

    async def _create(
        self, registration_id: str, profile: Profile, is_ours: IsOurs, deadline: float
    ) -> Result:
        warnings: Warnings = ()
        with_phone = bool(e164(profile.phone))
        while True:
            body = customer_input(profile, registration_id, with_phone=with_phone)
            try:
                answer = await self._mutate(documents.CREATE, body, deadline)
            except _PhoneTaken:
                with_phone, warnings = False, (_PHONE_KEPT,)
                continue
            if isinstance(answer, Customer):
                return Accepted(answer, "created", warnings)
            if not _email_taken(answer):
                return answer
            existing = await self.find(registration_id, profile.email, deadline)
            if existing is None:
                raise _unexpected("the e-mail is taken, yet no customer has it")
            return await self._settle_existing(
                existing, registration_id, profile, is_ours, deadline
            )

    async def _resolve(
        self,
        error: UpstreamError,
        registration_id: str,
        profile: Profile,
        is_ours: IsOurs,
        deadline: float,
    ) -> Result:
        """After a lost answer: look twice. What is not there may still come: the error stands."""
        for pause in (0.0, 0.5):
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout_at(deadline):
                    found = await self.find(registration_id, profile.email, deadline)
            except (UpstreamError, TimeoutError):
                continue
            if found is not None:
                return await self._settle_existing(
                    found, registration_id, profile, is_ours, deadline
                )
        raise error

    async def _settle_existing(
        self,
        existing: Customer,
        registration_id: str,
        profile: Profile,
        is_ours: IsOurs,
        deadline: float,
    ) -> Result:
        mark = existing.registration_id
        if mark == registration_id:
            return Accepted(existing, "created", _kept_phone(existing, profile))
        if mark and await is_ours(mark):
            return await self._take(existing, registration_id, profile, deadline, replace_input)
        if mark or existing.enabled or self._settings().shopify_existing_customer == "reject":
            return AlreadyRegistered()
        return await self._take(existing, registration_id, profile, deadline, fill_input)

    async def _take(
        self,
        existing: Customer,
        registration_id: str,
        profile: Profile,
        deadline: float,
        make_input: Callable[..., dict[str, Any]],
    ) -> Result:
        """Consent first, our id last: a half-done adoption is simply done again."""
        if profile.accepts_marketing and not existing.profile.accepts_marketing:
            refused = await self._subscribe(existing.id, deadline)
            if refused is not None:
                return refused
        action: Literal["created", "adopted"] = (
            "created" if make_input is replace_input else "adopted"
        )
        warnings: Warnings = ()
        with_phone = bool(e164(profile.phone))
        while True:
            body = make_input(existing, profile, registration_id, with_phone=with_phone)
            try:
                answer = await self._mutate(documents.UPDATE, body, deadline)
            except _PhoneTaken:
                with_phone, warnings = False, (_PHONE_KEPT,)
                continue
            if isinstance(answer, Refused):
                return answer
            return Accepted(answer, action, warnings)

    async def _subscribe(self, customer_id: int, deadline: float) -> Refused | None:
        body = {"customerId": gid(customer_id), "emailMarketingConsent": consent()}
        data = await self._graphql.run(documents.CONSENT, {"input": body}, deadline)
        errors = _payload(data, documents.CONSENT).get("userErrors") or []
        return Refused(tuple(field_errors(errors, body))) if errors else None

    async def _mutate(
        self, document: Document, body: dict[str, Any], deadline: float
    ) -> Customer | Refused:
        data = await self._graphql.run(document, {"input": body}, deadline)
        payload = _payload(data, document)
        errors = payload.get("userErrors") or []
        if errors:
            refused = field_errors(errors, body)
            if "phone" in body and all(error["field"] == "phone" for error in refused):
                raise _PhoneTaken
            return Refused(tuple(refused))
        return _customer(payload.get("customer"), document)

    async def find(
        self, registration_id: str, email: str, deadline: float | None = None
    ) -> Customer | None:
        """The customer that carries our id, or else the one with this e-mail.

        By identifier, never by search: the search index lags behind a create.
        """
        if email:
            found = await self._identify({"emailAddress": email}, deadline)
            if found is not None:
                return found
        if self._defined and registration_id:
            mark = {"namespace": "registration", "key": "id", "value": registration_id}
            return await self._identify({"customId": mark}, deadline)
        return None

    async def _identify(
        self, identifier: Mapping[str, Any], deadline: float | None
    ) -> Customer | None:
        data = await self._graphql.run(documents.FIND, {"identifier": identifier}, deadline)
        node = data.get("customerByIdentifier")
        return None if node is None else _customer(node, documents.FIND)

    async def read(self, customer_ids: Iterable[int]) -> dict[int, Customer]:
        """Customers by id, afresh; those that Shopify no longer has are left out."""
        ids = list(dict.fromkeys(customer_ids))
        found: dict[int, Customer] = {}
        for start in range(0, len(ids), _READ_BATCH):
            batch = [gid(customer_id) for customer_id in ids[start : start + _READ_BATCH]]
            data = await self._graphql.run(documents.READ_MANY, {"ids": batch})
            nodes = data.get("nodes")
            if not isinstance(nodes, list):
                raise _unexpected("the answer holds no nodes", documents.READ_MANY)
            customers = [_customer(node, documents.READ_MANY) for node in nodes if node]
            found |= {customer.id: customer for customer in customers}
        return found

    async def _wait_for_definitions(self) -> None:
        """The unique metafield's definition must stand before the first create; bounded."""
        if self._defined:
            return
        if self._defining is None or self._defining.done():
            if self._clock() < self._define_again:
                return
            self._define_again = self._clock() + 60
            self._defining = asyncio.create_task(self.define(), name="shopify definitions")
        await asyncio.wait({self._defining}, timeout=2.0)

    async def define(self) -> None:
        """Make the definition of `registration.id` when it is missing; a failure is only logged."""
        try:
            data = await self._graphql.run(documents.DEFINITIONS, {})
            nodes = (data.get("metafieldDefinitions") or {}).get("nodes") or []
            if not any(node.get("key") == "id" for node in nodes):
                await self._define()
            self._defined = True
        except (UpstreamError, AttributeError) as error:
            log.warning(
                "the metafield definition registration.id could not be made (%s); sign-ups go on, "
                "and lost answers are resolved by e-mail alone",
                error,
            )

    async def _define(self) -> None:
        definition = {
            "name": "Registration id",
            "description": "Set by the registration gateway: whose sign-up this customer is.",
            "namespace": "registration",
            "key": "id",
            "type": "id",
            "ownerType": "CUSTOMER",
            "capabilities": {"uniqueValues": {"enabled": True}},
        }
        data = await self._graphql.run(documents.DEFINE, {"definition": definition})
        errors = _payload(data, documents.DEFINE).get("userErrors") or []
        codes = {error.get("code") for error in errors}
        if codes - {"TAKEN"}:
            raise _unexpected(f"the definition was refused ({codes})", documents.DEFINE)

    async def check(self) -> tuple[str, list[str]]:
        """The shop's name, and the scopes that the token lacks."""
        data = await self._graphql.run(documents.SHOP, {})
        app = data.get("currentAppInstallation") or {}
        granted = {scope.get("handle") for scope in app.get("accessScopes") or []}
        lacking = [scope for scope in _SCOPES if scope not in granted]
        return str((data.get("shop") or {}).get("name") or "?"), lacking

    async def close(self) -> None:
        if self._defining is not None:
            self._defining.cancel()
            await asyncio.gather(self._defining, return_exceptions=True)


def _kept_phone(customer: Customer, profile: Profile) -> Warnings:
    return (_PHONE_KEPT,) if "registration.phone" in customer.metafields and profile.phone else ()


def _email_taken(refused: Refused) -> bool:
    return any(
        error["field"] == "email" and "taken" in error["message"].lower()
        for error in refused.errors
    )


def _payload(data: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    payload = data.get(document.name)
    if not isinstance(payload, dict):
        raise _unexpected("the answer holds no payload", document)
    return payload


def _customer(node: Any, document: Document) -> Customer:
    try:
        return to_customer(node)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unexpected("the customer in the answer is incomplete", document) from None


def _unexpected(message: str, document: Document = documents.CREATE) -> UpstreamError:
    return UpstreamError(SYSTEM, document.name, ErrorClass.UNEXPECTED, message)
