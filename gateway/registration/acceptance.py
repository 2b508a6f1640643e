"""Shopify has the customer: the deliveries are written, and the intent is deleted."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.background import request_id
from gateway.delivery import Runtime
from gateway.delivery.opening import UNTRIED, signed_up
from gateway.outcomes import Delivery, Outcome
from gateway.registration.untold import Untold
from gateway.shopify import Accepted
from gateway.store import Engine, acceptance, registrations
from gateway.store.acceptance import AcceptedSignUp
from gateway.store.engine import Batched
from gateway.store.outbox import OwedTo
from gateway.store.registrations import Registration

__all__ = ["Acceptance"]


class Acceptance:
    """The flags at the moment of the commit decide what each channel is owed. `running`: the
    sign-ups whose callers wait for the answer, by registration id.
    """

    def __init__(self, db: Engine, channels: Iterable[str], runtime: Runtime) -> None:
        self._db = db
        self._channels = tuple(channels)
        self._live = runtime.live
        self._listener = runtime.listener
        self.untold = Untold(db, runtime.background)
        self.running: dict[str, asyncio.Task[Any]] = {}

    async def is_ours(self, registration_id: str, email_hash: bytes, until: float) -> bool:
        """Whether `registration_id`, a customer's metafield `registration.id`, is of a sign-up with
        this e-mail whose caller was never told that it succeeded. While it is just being answered,
        that is not known: it is waited for, `until` that time of the event loop at most.
        """
        if (running := self.running.get(registration_id)) is not None:
            left = until - asyncio.get_running_loop().time()
            await asyncio.wait((running,), timeout=left)
        await self.untold.settle(registration_id)
        now = self._live.clock()
        return registration_id in await self._db.read(
            lambda db: registrations.unanswered_ids(db, email_hash, now)
        )

    async def accept(
        self,
        registration_id: str,
        result: Accepted,
        emails: Sequence[bytes],
        *,
        tried: frozenset[Outcome] = UNTRIED,
    ) -> list[Delivery]:
        """Writes the deliveries, as the flags say at this moment, and deletes the intent, in one
        commit.

        `tried`: the caller tries deliveries of these outcomes at once, so they are counted and
        claimed already. The caller is told of the success, or has had a 202. `emails`: hashes of
        the e-mail, by which its sign-up was admitted.
        """
        accepted = self._accepted(registration_id, result, tried, answered=True)
        unit = Batched(acceptance.accept, accepted)
        written = await self._db.write(unit, (*emails, result.customer.id))
        self._listener.intent_gone()
        return written

    async def accept_found(self, row: Registration, result: Accepted) -> bool:
        """The same for a customer who was found after the caller had been told 503. False if the
        registration has changed since it was read: whoever changed it knows more.
        """
        accepted = self._accepted(row.id, result, UNTRIED, answered=False)

        def unit(db: sqlite3.Connection) -> bool:
            still = registrations.is_still(db, row)
            if still:
                acceptance.accept(db, [accepted])
            return still

        owed = await self._db.write(unit, (row.email_hash, result.customer.id))
        self._listener.intent_gone()
        return owed

    def _accepted(
        self, registration_id: str, result: Accepted, tried: frozenset[Outcome], *, answered: bool
    ) -> AcceptedSignUp:
        customer, flags = result.customer, self._live.policy.flags
        email, now = customer.profile.email, self._live.clock()
        new = [signed_up(flags, name, customer.id, email, tried) for name in self._channels]
        owed = OwedTo(customer.id, registration_id, request_id.get(), new, now)
        warnings = list(map(dict, result.warnings))
        return AcceptedSignUp(registration_id, owed, result.action, warnings, answered=answered)
