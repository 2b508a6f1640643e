"""One try to bring a sign-up that was answered 202 to Shopify, and to write Shopify's answer.

The channels are told at once, with the customer that Shopify has just answered with: reading them
again costs a shop on the standard plan more than their sign-up.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from gateway.customer import Customer, Profile
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import LIVE, REHEARSED
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery
from gateway.registration.acceptance import Acceptance
from gateway.registration.intent import read_intent
from gateway.responses.problems import given_up, kept, refused, unreadable
from gateway.shopify import Accepted, AlreadyRegistered, Shopify
from gateway.store import Engine, Keys, deferred, registrations
from gateway.store.deferred import DeferredRegistration

__all__ = ["AT_ONCE", "DeferredAttempt"]

log = logging.getLogger(__name__)

_CALLS = 3
"""A whole try may take as long as this many calls."""
AT_ONCE = 32
"""Customers who are being sent to the channels at a time; the worker sends the others. So a channel
that hangs delays no sign-up, and no work piles up in memory.
"""


class DeferredAttempt:
    """Administrators are told of a sign-up that was answered 202 and could not be finished."""

    def __init__(
        self,
        db: Engine,
        keys: Keys,
        shopify: Shopify,
        delivery: DeliveryParts,
        acceptance: Acceptance,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._delivery = delivery
        self._acceptance = acceptance
        self._runtime = runtime
        self._telling = 0

    def read(self, row: DeferredRegistration) -> Profile | None:
        """The sign-up's data; None if GATEWAY_SECRET has changed, so that it cannot be read."""
        plain = self._keys.unseal(row.sealed, row.id) if row.sealed else None
        return read_intent(plain) if plain is not None else None

    async def make(self, row: DeferredRegistration, profile: Profile) -> None:
        """Asks Shopify and writes its answer. Raises UpstreamError if it gave none."""
        with self._runtime.spans.registration(row.id, first=row.tries == 1):
            await self._make(row, profile)

    async def _make(self, row: DeferredRegistration, profile: Profile) -> None:
        until = asyncio.get_running_loop().time() + _CALLS * self._runtime.policy.timeout
        with self._runtime.spans.shopify():
            result = await self._shopify.register(
                row.id,
                profile,
                email_verified=row.email_verified,
                is_ours=partial(
                    self._acceptance.is_ours,
                    email_hash=row.email_hash,
                    until=until - self._runtime.policy.timeout,
                ),
                look_first=row.doubt,
                deadline=until,
            )
        if isinstance(result, Accepted):
            await self._accepted(row, result)
            return
        if isinstance(result, AlreadyRegistered) and row.email_verified:
            emails = self._keys.emails(profile.email)
            await self._delivery.proofs.prove(result.customer_id, emails)
        problem, now = kept(refused(result)), self._runtime.clock()
        await self._db.write(lambda db: registrations.refuse(db, row.id, problem, now))
        self._runtime.listener.intent_gone()
        about = {"registration_id": row.id, "attempt": row.tries}
        log.info("registration %s: rejected: %s", row.id, problem["type"], extra=about)

    async def _accepted(self, row: DeferredRegistration, result: Accepted) -> None:
        tried = LIVE if self._telling < AT_ONCE else REHEARSED
        owed = await self._acceptance.accept(row.id, result, (row.email_hash,), tried=tried)
        ids = tuple(delivery.id for delivery in owed)
        about = {"registration_id": row.id, "delivery_ids": ids, "attempt": row.tries}
        log.info("registration %s: Shopify has the customer", row.id, extra=about)
        telling = self._tell(owed, result.customer)
        self._runtime.background.keep(telling, f"telling the channels of registration {row.id}")

    async def _tell(self, owed: Sequence[Delivery], customer: Customer) -> None:
        """Behind live sign-ups, as the try itself."""
        self._telling += 1
        try:
            until = asyncio.get_running_loop().time() + self._runtime.policy.timeout
            await self._delivery.deliverer.run_live(owed, customer, fresh=False, until=until)
        finally:
            self._telling -= 1

    async def end_unreadable(self, row: DeferredRegistration) -> None:
        text = (
            "its data cannot be read any more: GATEWAY_SECRET was changed while it waited, or the "
            "database was put back to a backup"
        )
        log.error("registration %s: %s", row.id, text, extra={"registration_id": row.id})
        problem, now = kept(unreadable()), self._runtime.clock()
        await self._db.write(lambda db: deferred.end(db, [row.id], problem, now))
        self._runtime.listener.intent_gone()
        self._runtime.listener.registration_unclear()
        self._hopeless(ErrorClass.INVALID_DATA, text)

    async def end_overdue(self, error_class: ErrorClass, only: str | None = None) -> bool:
        """Gives up those that have waited 24 hours (`only`: this one). Returns whether any had."""
        problem, now = kept(given_up(error_class)), self._runtime.clock()
        ids = await self._db.write(lambda db: deferred.end_overdue(db, problem, now, only))
        for registration_id in ids:
            text = "a registration that was answered 202 could not reach Shopify for 24 hours"
            log.error("registration %s: given up: Shopify: %s", registration_id, error_class)
            self._hopeless(ErrorClass.TOO_LATE, text)
        if ids:
            self._runtime.listener.intent_gone()
            self._runtime.listener.registration_unclear()
        return bool(ids)

    def _hopeless(self, error_class: ErrorClass, text: str) -> None:
        self._runtime.listener.failed("registrations", error_class, text)
