"""Shopify as the customer master: create once, know our own, adopt guests, read afresh.

After a lost answer it looks, and never creates again: `registration.id`, a unique metafield of type
`id`, is the proof that a customer belongs to this registration.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gateway.customer import Customer, Profile, gid
from gateway.errors import UpstreamError
from gateway.outcomes import Identity
from gateway.settings import ShopifySettings
from gateway.shopify import documents
from gateway.shopify.batches import Batches, Read
from gateway.shopify.changing import Change
from gateway.shopify.client import GraphQL
from gateway.shopify.definitions import ensure_definition
from gateway.shopify.documents import Document
from gateway.shopify.guest import IsOurs, ShopifySignUp
from gateway.shopify.mapping import (
    consent,
    customer_input,
    fill_input,
    leftover_metafields,
    replace_input,
)
from gateway.shopify.placing import PHONE_KEPT, unfit, unfit_address, unfit_phone, unspoken
from gateway.shopify.reading import customer_of, payload_of, unexpected
from gateway.shopify.refusals import refused_by
from gateway.shopify.results import (
    Accepted,
    AlreadyRegistered,
    ChangeResult,
    Refused,
    Result,
    Warnings,
)
from gateway.shopify.roll import Roll

__all__ = ["Shopify"]

log = logging.getLogger(__name__)

_SCOPES = ("read_customers", "write_customers")


class _PhoneTaken(Exception):  # noqa: N818 - a turn in the flow, caught below
    pass


class Shopify:
    def __init__(
        self, graphql: GraphQL, settings: Callable[[], ShopifySettings], clock: Callable[[], float]
    ) -> None:
        self.roll = Roll(graphql)
        self._graphql = graphql
        self._settings = settings
        self._clock = clock
        self._batches = Batches(graphql)
        self._defined = False
        self._defining: asyncio.Task[None] | None = None
        self._define_again = 0.0

    async def register(
        self,
        registration_id: str,
        profile: Profile,
        *,
        email_verified: bool,
        is_ours: IsOurs,
        look_first: bool,
        deadline: float,
    ) -> Result:
        """Creates the customer, or finds out what Shopify has instead.

        `email_verified`: decides what an existing guest may get. `look_first`: nobody knows how an
        earlier try of this registration ended. Raises UpstreamError; its `applied` is False if
        certainly nothing was created.
        """
        if not self._defined:
            await self._wait_for_definitions(deadline)
        one = ShopifySignUp(registration_id, profile, email_verified, is_ours, deadline)
        if look_first:
            existing = await self.find(registration_id, profile.email, deadline)
            if existing is not None:
                return await self._settle_existing(existing, one)
        try:
            return await self._create(one)
        except UpstreamError as error:
            if error.applied is False:
                raise
            return await self._resolve(error, one)

    async def _create(self, one: ShopifySignUp) -> Result:
        warnings = unfit(one.profile)
        with_phone = True
        while True:
            body = customer_input(one.profile, one.registration_id, with_phone=with_phone)
            try:
                answer = await self._mutate(documents.CREATE, body, one.deadline)
            except _PhoneTaken:
                with_phone, warnings = False, (*warnings, PHONE_KEPT)
                continue
            if isinstance(answer, Customer):
                return Accepted(answer, "created", warnings, fresh=True)
            if not answer.is_there_already:
                return answer
            existing = await self.find(one.registration_id, one.profile.email, one.deadline)
            if not answer.email_taken and not (
                existing and existing.registration_id == one.registration_id
            ):
                return answer
            if existing is None:
                raise unexpected("the e-mail is taken, yet no customer has it")
            return await self._settle_existing(existing, one)

    async def _resolve(self, error: UpstreamError, one: ShopifySignUp) -> Result:
        """After a lost answer: looks twice. If nothing is there, it may still come: an error."""
        for pause in (0.0, 0.5):
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout_at(one.deadline):
                    found = await self.find(one.registration_id, one.profile.email, one.deadline)
            except (UpstreamError, TimeoutError):
                continue
            if found is not None:
                return await self._settle_existing(found, one)
        raise error

    async def _settle_existing(self, existing: Customer, one: ShopifySignUp) -> Result:
        known_id = existing.registration_id
        if known_id == one.registration_id:
            profile = one.profile
            kept = _kept_phone(existing, profile)
            warnings = (*unfit_address(profile), *kept, *unspoken(profile))
            return Accepted(existing, "created", warnings)
        if known_id and await one.is_ours(known_id):
            return await self._take(existing, one, replace_input)
        if known_id or existing.enabled or self._settings().shopify_existing_customer == "reject":
            return AlreadyRegistered(existing.id)
        return await self._take(existing, one, fill_input)

    async def _take(
        self, existing: Customer, one: ShopifySignUp, make_input: Callable[..., dict[str, Any]]
    ) -> Result:
        """Writes the consent first and our id last: a half-done adoption is done again."""
        replacing, deadline = make_input is replace_input, one.deadline
        profile, kept = (one.profile, ()) if replacing else one.for_guest()
        wanted, has = profile.accepts_marketing, existing.profile.accepts_marketing
        if wanted != has and (wanted or replacing):
            refused = await self._consent(existing.id, deadline, subscribed=wanted)
            if refused is not None:
                return refused
        leftover = leftover_metafields(existing, profile) if replacing else []
        if leftover:
            await self._graphql.run(documents.CLEAR, {"metafields": leftover}, deadline)
        action: Literal["created", "adopted"] = "created" if replacing else "adopted"
        warnings = (*unfit(profile, address=replacing or not existing.has_address), *kept)
        with_phone = True
        while True:
            body = make_input(existing, profile, one.registration_id, with_phone=with_phone)
            try:
                answer = await self._mutate(documents.UPDATE, body, deadline)
            except _PhoneTaken:
                with_phone, warnings = False, (*warnings, PHONE_KEPT)
                continue
            if isinstance(answer, Refused):
                return answer
            return Accepted(answer, action, warnings)

    async def _consent(
        self, customer_id: int, deadline: float, *, subscribed: bool
    ) -> Refused | None:
        given = consent() if subscribed else {"marketingState": "UNSUBSCRIBED"}
        body = {"customerId": gid(customer_id), "emailMarketingConsent": given}
        data = await self._graphql.run(documents.CONSENT, {"input": body}, deadline)
        return refused_by(payload_of(data, documents.CONSENT), documents.CONSENT, body)

    async def _mutate(
        self, document: Document, body: dict[str, Any], deadline: float
    ) -> Customer | Refused:
        data = await self._graphql.run(document, {"input": body}, deadline)
        payload = payload_of(data, document)
        refused = refused_by(payload, document, body)
        if refused is None:
            return customer_of(payload.get("customer"), document)
        if "phone" in body and refused.phone_alone:
            raise _PhoneTaken
        return refused

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
            metafield = {"namespace": "registration", "key": "id", "value": registration_id}
            return await self._identify({"customId": metafield}, deadline)
        return None

    async def by_phone(self, number: str) -> Customer | None:
        """The customer with this phone number, in E.164."""
        return await self._identify({"phoneNumber": number}, None)

    async def _identify(
        self, identifier: Mapping[str, Any], deadline: float | None
    ) -> Customer | None:
        data = await self._graphql.run(documents.FIND, {"identifier": identifier}, deadline)
        node = data.get("customerByIdentifier")
        return None if node is None else customer_of(node, documents.FIND)

    async def read(self, customer_ids: Iterable[int]) -> dict[int, Customer]:
        """Customers by id, afresh; those that Shopify no longer has are left out."""
        return await self._batches.read(customer_ids)

    async def exists(self, customer_id: int) -> bool:
        return customer_id in await self.read([customer_id])

    async def read_each(self, customer_ids: Iterable[int]) -> Read:
        """As `read`, whatever Shopify answers of single ones."""
        return await self._batches.read_each(customer_ids)

    async def change(
        self,
        customer_id: int,
        changes: Mapping[str, Any],
        deadline: float,
        given: Mapping[str, Any] | None = None,
    ) -> ChangeResult:
        """Fields of a profile that are to change, and no others. Raises UpstreamError.

        `given`: the same as somebody sent them; what is as it was shown to them stays.
        """
        change = Change(self._graphql, customer_id, changes, given or {})
        return await change.run(deadline, self._clock)

    async def _wait_for_definitions(self, deadline: float) -> None:
        """The unique metafield's definition must stand before the first create; bounded."""
        if self._defining is None or self._defining.done():
            if self._clock() < self._define_again:
                return
            self._define_again = self._clock() + 60
            self._defining = asyncio.create_task(self.define(), name="shopify definitions")
        left = max(0.0, deadline - self._clock())
        await asyncio.wait({self._defining}, timeout=min(2.0, left / 4))

    async def define(self) -> None:
        """Make the definition of `registration.id` when it is missing; a failure is only logged."""
        self._defined = self._defined or await ensure_definition(self._graphql)

    def forget(self) -> None:
        """Another shop now: nobody knows whether it has the definitions."""
        self._defined, self._define_again = False, 0.0

    async def check(self) -> tuple[str, list[str]]:
        """The shop's name, and the scopes that the token lacks."""
        data = await self._graphql.run(documents.SHOP, {})
        app = data.get("currentAppInstallation") or {}
        granted = {scope.get("handle") for scope in app.get("accessScopes") or []}
        lacking = [scope for scope in _SCOPES if scope not in granted]
        return str((data.get("shop") or {}).get("name") or "?"), lacking

    async def identity(self) -> Identity:
        """Which shop it is, by its id and its domain. Raises UpstreamError."""
        data = await self._graphql.run(documents.IDENTITY, {})
        shop = data.get("shop")
        if not isinstance(shop, dict) or not shop.get("id"):
            raise unexpected("the answer names no shop", documents.IDENTITY)
        return Identity(str(shop["id"]), label=str(shop.get("myshopifyDomain") or ""))

    async def close(self) -> None:
        if self._defining is not None:
            self._defining.cancel()
            await asyncio.gather(self._defining, return_exceptions=True)


def _kept_phone(customer: Customer, profile: Profile) -> Warnings:
    if "registration.phone" not in customer.metafields or not profile.phone:
        return ()
    return unfit_phone(profile) or (PHONE_KEPT,)
