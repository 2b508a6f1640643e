"""One try to bring a sign-up that was answered 202 to Shopify, and to write Shopify's answer."""

import asyncio
import logging
import time
from collections.abc import Callable

from gateway.customer import Profile
from gateway.delivery import Deliverer
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Outcome
from gateway.registration.acceptance import Acceptance
from gateway.registration.intent import read_intent
from gateway.responses.problems import given_up, kept, refused, unreadable
from gateway.shopify import Accepted, AlreadyRegistered, Shopify
from gateway.store import Database, Keys, deferred, registrations
from gateway.store.deferred import DeferredRegistration

__all__ = ["DeferredAttempt"]

log = logging.getLogger(__name__)

_REHEARSED = frozenset({Outcome.DRY_RUN})
"""Outcomes tried at once; what has to be sent goes through the worker, at its pace."""
_CALLS = 3
"""A whole try may take as long as this many calls."""


class DeferredAttempt:
    """`timeout()` is GATEWAY_UPSTREAM_TIMEOUT, `clock` wall time.

    `intent_gone` is called when there are bytes to wipe, `unclear` when Shopify may have a customer
    whose sign-up was given up, `hopeless(error class, text)` when a promise could not be kept.
    """

    def __init__(
        self,
        db: Database,
        keys: Keys,
        shopify: Shopify,
        deliverer: Deliverer,
        acceptance: Acceptance,
        *,
        timeout: Callable[[], float],
        clock: Callable[[], float] = time.time,
        intent_gone: Callable[[], None] = lambda: None,
        unclear: Callable[[], None] = lambda: None,
        hopeless: Callable[[ErrorClass, str], None] = lambda error_class, text: None,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._deliverer = deliverer
        self._acceptance = acceptance
        self._timeout = timeout
        self._clock = clock
        self._intent_gone = intent_gone
        self._unclear = unclear
        self._hopeless = hopeless

    def read(self, row: DeferredRegistration) -> Profile | None:
        """The sign-up's data; None if GATEWAY_SECRET has changed, so that it cannot be read."""
        plain = self._keys.unseal(row.sealed, row.id) if row.sealed else None
        return read_intent(plain) if plain is not None else None

    async def make(self, row: DeferredRegistration, profile: Profile) -> None:
        """Asks Shopify and writes its answer. Raises UpstreamError if it gave none."""
        until = asyncio.get_running_loop().time() + _CALLS * self._timeout()
        result = await self._shopify.register(
            row.id,
            profile,
            email_verified=row.email_verified,
            is_ours=lambda found_id: self._acceptance.is_ours(found_id, row.email_hash),
            look_first=row.doubt,
            deadline=until,
        )
        if isinstance(result, Accepted):
            await self._accepted(row, result)
            return
        if isinstance(result, AlreadyRegistered) and row.email_verified:
            emails = self._keys.emails(profile.email)
            await self._deliverer.proofs.prove(result.customer_id, emails)
        problem, now = kept(refused(result)), self._clock()
        await self._db.write(lambda db: registrations.refuse(db, row.id, problem, now))
        self._intent_gone()
        log.info("registration %s: rejected: %s", row.id, problem["type"])

    async def _accepted(self, row: DeferredRegistration, result: Accepted) -> None:
        owed = await self._acceptance.accept(row.id, result, tried=_REHEARSED)
        rehearsed = [d for d in owed if d.claimed_version == d.version]
        if not rehearsed:
            return
        until = asyncio.get_running_loop().time() + self._timeout()
        try:
            await self._deliverer.live(rehearsed, result.customer, fresh=False, until=until)
        except StorageError as error:
            log.error("outcomes could not be kept, they follow: %s (%s)", error, error.hint)

    async def end_unreadable(self, row: DeferredRegistration) -> None:
        text = "its data cannot be read any more: GATEWAY_SECRET was changed while it waited"
        log.error("registration %s: %s", row.id, text)
        problem, now = kept(unreadable()), self._clock()
        await self._db.write(lambda db: deferred.end(db, [row.id], problem, now))
        self._intent_gone()
        self._unclear()
        self._hopeless(ErrorClass.INVALID_DATA, text)

    async def end_overdue(self, error_class: ErrorClass, only: str | None = None) -> bool:
        """Gives up those that have waited 24 hours (`only`: this one). Returns whether any had."""
        problem, now = kept(given_up(error_class)), self._clock()
        ids = await self._db.write(lambda db: deferred.end_overdue(db, problem, now, only))
        for registration_id in ids:
            text = "a registration that was answered 202 could not reach Shopify for 24 hours"
            log.error("registration %s: given up: Shopify: %s", registration_id, error_class)
            self._hopeless(ErrorClass.TOO_LATE, text)
        if ids:
            self._intent_gone()
            self._unclear()
        return bool(ids)
