"""Shopify has the customer: the deliveries are written, and the intent is deleted."""

import sqlite3
from collections.abc import Iterable

from gateway.delivery import Runtime
from gateway.delivery.opening import UNTRIED, Owed, opening
from gateway.outcomes import Delivery, Kind, Outcome
from gateway.shopify import Accepted
from gateway.store import Database, registrations
from gateway.store.database import Unit
from gateway.store.registrations import Registration

__all__ = ["Acceptance"]


class Acceptance:
    """What each channel is owed is decided by the flags of the moment of the commit."""

    def __init__(self, db: Database, channels: Iterable[str], runtime: Runtime) -> None:
        self._db = db
        self._channels = tuple(channels)
        self._runtime = runtime

    async def is_ours(self, registration_id: str, email_hash: bytes) -> bool:
        """Whether a customer's `registration.id` (`registration_id`) is that of a sign-up of this
        e-mail whose success nobody has been told.
        """
        now = self._runtime.clock()
        return registration_id in await self._db.read(
            lambda db: registrations.unanswered_ids(db, email_hash, now)
        )

    async def accept(
        self,
        registration_id: str,
        result: Accepted,
        *,
        tried: frozenset[Outcome] = UNTRIED,
    ) -> list[Delivery]:
        """Writes the deliveries, by the flags of this moment, and deletes the intent: one commit.

        `tried`: the caller tries deliveries of these outcomes at once, so they are counted and
        claimed already. The caller hears of the success, or was promised it.
        """
        accept = self._acceptance(registration_id, result, tried, answered=True)
        written = await self._db.write(accept)
        self._runtime.listener.intent_gone()
        return written

    async def accept_found(self, row: Registration, result: Accepted) -> bool:
        """The same for a customer who was found late, and of whom nobody has been told. False if
        the registration has changed since it was read: whoever changed it knows better.
        """
        accept = self._acceptance(row.id, result, UNTRIED, answered=False)

        def unit(db: sqlite3.Connection) -> bool:
            still = registrations.is_still(db, row)
            if still:
                accept(db)
            return still

        owed = await self._db.write(unit)
        self._runtime.listener.intent_gone()
        return owed

    def _acceptance(
        self, registration_id: str, result: Accepted, tried: frozenset[Outcome], *, answered: bool
    ) -> Unit[list[Delivery]]:
        customer = result.customer
        flags, whom = self._runtime.flags, Owed(customer.id, customer.profile.email)
        owed = [
            new
            for name in self._channels
            if (new := opening(flags, name, Kind.REGISTRATION, whom, tried)) is not None
        ]
        now = self._runtime.clock()
        warnings = [dict(warning) for warning in result.warnings]
        return lambda db: registrations.accept(
            db, registration_id, customer.id, result.action, warnings, owed, now, answered=answered
        )
