"""Shopify has the customer: the deliveries are written, and the intent is deleted."""

import sqlite3
import time
from collections.abc import Callable

from flags import Mode
from gateway.delivery import Deliverer
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.shopify import Accepted
from gateway.store import Database, registrations
from gateway.store.database import Unit
from gateway.store.registrations import Registration

__all__ = ["OUTCOME_OF", "Acceptance"]

OUTCOME_OF = {
    Mode.ON: Outcome.PENDING,
    Mode.HOLD: Outcome.HELD,
    Mode.OFF: Outcome.SKIPPED,
    Mode.DRY_RUN: Outcome.DRY_RUN,
}
"""The outcome that a sign-up's delivery begins with, by the mode of the channel's flag."""


class Acceptance:
    """`clock` is wall time; `intent_gone` is called when there are bytes to wipe."""

    def __init__(
        self,
        db: Database,
        deliverer: Deliverer,
        *,
        clock: Callable[[], float] = time.time,
        intent_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._deliverer = deliverer
        self._clock = clock
        self._intent_gone = intent_gone

    async def is_ours(self, registration_id: str, email_hash: bytes) -> bool:
        """Whether a customer's `registration.id` (`registration_id`) is that of a sign-up of this
        e-mail whose success nobody has been told.
        """
        now = self._clock()
        return registration_id in await self._db.read(
            lambda db: registrations.unanswered_ids(db, email_hash, now)
        )

    async def accept(
        self,
        registration_id: str,
        result: Accepted,
        *,
        tried: frozenset[Outcome] = frozenset(),
    ) -> list[Delivery]:
        """Writes the deliveries, by the flags of this moment, and deletes the intent: one commit.

        `tried`: the caller tries deliveries of these outcomes at once, so they are counted and
        claimed already. The caller hears of the success, or was promised it.
        """
        accept = self._acceptance(registration_id, result, tried, answered=True)
        written = await self._db.write(accept)
        self._intent_gone()
        return written

    async def accept_found(self, row: Registration, result: Accepted) -> bool:
        """The same for a customer who was found late, and of whom nobody has been told. False if
        the registration has changed since it was read: whoever changed it knows better.
        """
        accept = self._acceptance(row.id, result, frozenset(), answered=False)

        def unit(db: sqlite3.Connection) -> bool:
            still = registrations.is_still(db, row)
            if still:
                accept(db)
            return still

        owed = await self._db.write(unit)
        self._intent_gone()
        return owed

    def _acceptance(
        self, registration_id: str, result: Accepted, tried: frozenset[Outcome], *, answered: bool
    ) -> Unit[list[Delivery]]:
        customer = result.customer
        email = customer.profile.email
        owed = [self._owed(name, customer.id, email, tried) for name in self._deliverer.routes]
        now = self._clock()
        warnings = [dict(warning) for warning in result.warnings]
        return lambda db: registrations.accept(
            db, registration_id, customer.id, result.action, warnings, owed, now, answered=answered
        )

    def _owed(
        self,
        channel: str,
        customer_id: int,
        email: str,
        tried: frozenset[Outcome],
    ) -> NewDelivery:
        outcome = OUTCOME_OF[self._deliverer.flag(channel, customer_id, email).mode]
        return NewDelivery(channel, Kind.REGISTRATION, outcome, outcome in tried)
