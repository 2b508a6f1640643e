"""An e-mail is proven to be a customer's: what waited for that continues."""

import sqlite3
from collections.abc import Callable, Sequence

from flags import Mode
from gateway.customer import Customer
from gateway.delivery.preparation import Preparation
from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.store import Database, links, outbox, proofs

__all__ = ["Proofs"]


class Proofs:
    """`due(channel)` is called when a delivery may go now; `clock` is wall time."""

    def __init__(
        self,
        db: Database,
        preparation: Preparation,
        *,
        clock: Callable[[], float],
        due: Callable[[str], None],
    ) -> None:
        self._db = db
        self._preparation = preparation
        self._clock = clock
        self._due = due
        self._channel = preparation.numbering or ""

    async def prove(
        self, customer_id: int, emails: Sequence[bytes], *, signed_in: bool = False
    ) -> None:
        """The e-mail, given as its hashes, is theirs: what waited for that continues.

        `signed_in`: they can sign in at Shopify, which proves the e-mail of their first sign-in.
        """

        def is_news(db: sqlite3.Connection) -> bool:
            return proofs.is_news(db, customer_id, emails, signed_in=signed_in)

        def unit(db: sqlite3.Connection) -> None:
            now = self._clock()
            outbox.proven(db, customer_id, self._channel, now)
            self._open_update(
                db, customer_id, proofs.prove(db, customer_id, emails, signed_in=signed_in)
            )

        if await self._db.read(is_news):
            await self._db.write(unit)
            self._due(self._channel)

    async def release(self, customer_id: int) -> None:
        """Continues what waits for a proof that exists already."""

        def unit(db: sqlite3.Connection) -> bool:
            return self._open_update(db, customer_id, proofs.release(db, [customer_id]))

        if await self._db.write(unit):
            self._due(self._channel)

    async def signed_in(self, customer: Customer) -> None:
        """Their first sign-in at Shopify, with a mailed code, proves the e-mail of that moment."""
        await self.prove(customer.id, self._preparation.emails(customer), signed_in=True)

    async def trust(self, customer_id: int, reference: str) -> bool:
        """A person says that the linked record is theirs. False if that was known already."""

        def unit(db: sqlite3.Connection) -> bool:
            return self._open_update(db, customer_id, links.trust(db, customer_id, reference))

        released = await self._db.write(unit)
        self._due(self._channel)
        return released

    def _open_update(self, db: sqlite3.Connection, customer_id: int, released: bool) -> bool:
        """Opens deliveries for the changes that an unproven link held off. Returns `released`."""
        if released:
            outbox.add(db, customer_id, None, self._owed_since(customer_id), self._clock())
        return released

    def _owed_since(self, customer_id: int) -> list[NewDelivery]:
        """The delivery for a record that accepted no change until now."""
        decided = self._preparation.flag_policy.decide(
            self._channel, customer_id, Kind.UPDATE, None, linked=True
        )
        outcome = {Mode.ON: Outcome.PENDING, Mode.HOLD: Outcome.HELD}.get(decided.mode)
        return [] if outcome is None else [NewDelivery(self._channel, Kind.UPDATE, outcome)]
