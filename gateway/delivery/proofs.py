"""An e-mail is proven to be a customer's: what waited for the proof continues."""

import sqlite3
from collections.abc import Sequence

from gateway.channels import POS
from gateway.customer import Customer
from gateway.delivery.opening import Owed, opening
from gateway.delivery.preparation import Preparation
from gateway.delivery.runtime import Runtime
from gateway.outcomes import Kind, NewDelivery
from gateway.store import Engine, links, outbox, proofs

__all__ = ["Proofs"]


class Proofs:
    def __init__(self, db: Engine, preparation: Preparation, runtime: Runtime) -> None:
        self._db = db
        self._preparation = preparation
        self._runtime = runtime

    async def prove(
        self, customer_id: int, emails: Sequence[bytes], *, signed_in: bool = False
    ) -> None:
        """The e-mail, given as its hashes, is theirs: what waited for that continues.

        `signed_in`: they can sign in at Shopify, which proves the e-mail of their first sign-in.
        """

        def is_news(db: sqlite3.Connection) -> bool:
            return proofs.is_news(db, customer_id, emails, signed_in=signed_in)

        def unit(db: sqlite3.Connection) -> None:
            now = self._runtime.clock()
            outbox.proven(db, customer_id, POS, now)
            self._open_update(
                db, customer_id, proofs.prove(db, customer_id, emails, signed_in=signed_in)
            )

        if await self._db.read(is_news):
            await self._db.write(unit)
            self._runtime.listener.delivery_due(POS)

    async def release(self, customer_id: int) -> None:
        """Continues what waits for a proof that exists already."""

        def unit(db: sqlite3.Connection) -> bool:
            return self._open_update(db, customer_id, proofs.release(db, [customer_id]))

        if await self._db.write(unit):
            self._runtime.listener.delivery_due(POS)

    async def signed_in(self, customer: Customer) -> None:
        """The first sign-in at Shopify, with a mailed code, proves the e-mail that the customer has
        then.
        """
        await self.prove(customer.id, self._preparation.emails(customer), signed_in=True)

    async def trust(self, customer_id: int, reference: str) -> bool:
        """A person says that the linked record is theirs. False if that was known already."""

        def unit(db: sqlite3.Connection) -> bool:
            return self._open_update(db, customer_id, links.trust(db, customer_id, reference))

        released = await self._db.write(unit)
        self._runtime.listener.delivery_due(POS)
        return released

    def _open_update(self, db: sqlite3.Connection, customer_id: int, released: bool) -> bool:
        """Opens deliveries for the changes that an unproven link held off. Returns `released`."""
        if released:
            outbox.add(db, customer_id, None, self._owed_since(customer_id), self._runtime.clock())
        return released

    def _owed_since(self, customer_id: int) -> list[NewDelivery]:
        """The delivery for a record that accepted no change until now."""
        owed = Owed(customer_id, linked=True)
        new = opening(self._runtime.flags, POS, Kind.UPDATE, owed)
        return [] if new is None else [new]
