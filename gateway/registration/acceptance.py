"""Shopify has the customer: what is owed to each channel is written, and the intent is gone."""

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

__all__ = ["OUTCOME_OF", "Owing"]

OUTCOME_OF = {
    Mode.ON: Outcome.PENDING,
    Mode.HOLD: Outcome.HELD,
    Mode.OFF: Outcome.SKIPPED,
    Mode.DRY_RUN: Outcome.DRY_RUN,
}
"""What a sign-up owes a channel whose flag says this."""


class Owing:
    """`clock` is wall time; `intent_gone` is told that there are bytes to wipe."""

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

    async def is_ours(self, mark: str, email_hash: bytes) -> bool:
        """Whether a customer's mark is of a sign-up of this e-mail that nobody was told of."""
        now = self._clock()
        return mark in await self._db.read(lambda db: registrations.untold_ids(db, email_hash, now))

    async def owe(
        self,
        registration_id: str,
        result: Accepted,
        *,
        tried: frozenset[Outcome] = frozenset(),
    ) -> list[Delivery]:
        """In one commit the deliveries are owed, by the flags of this moment, and the intent ends.

        `tried`: deliveries of these outcomes are tried at once by the caller, so counted and
        claimed already. Somebody hears of the success, or was promised it.
        """
        accept = self._acceptance(registration_id, result, tried, told=True)
        written = await self._db.write(accept)
        self._intent_gone()
        return written

    async def owe_found(self, row: Registration, result: Accepted) -> bool:
        """The same of a customer who was found late, and nobody has been told of. False where the
        registration is not as it was read any more: whoever went on with it knows better.
        """
        accept = self._acceptance(row.id, result, frozenset(), told=False)

        def unit(db: sqlite3.Connection) -> bool:
            still = registrations.is_still(db, row)
            if still:
                accept(db)
            return still

        owed = await self._db.write(unit)
        self._intent_gone()
        return owed

    def _acceptance(
        self, registration_id: str, result: Accepted, tried: frozenset[Outcome], *, told: bool
    ) -> Unit[list[Delivery]]:
        customer = result.customer
        email = customer.profile.email
        owed = [self._owed(name, customer.id, email, tried) for name in self._deliverer.routes]
        now = self._clock()
        warnings = [dict(warning) for warning in result.warnings]
        return lambda db: registrations.accept(
            db, registration_id, customer.id, result.action, warnings, owed, now, answered=told
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
