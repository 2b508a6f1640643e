"""The main path: intent -> Shopify -> fan-out -> answer.

What is on disk when the process dies, and what the next start makes of it (`gateway.recovery`):

    before the intent             nothing; the caller heard nothing
    after it, during Shopify's    `open` + sealed intent; Shopify may have the customer: it is
    call, after its answer        looked for by our id, and the channels follow if it is there
    deliveries written            `accepted`, each delivery `pending` and claimed: due at once; the
    (one commit with the end      channel looks first for what the dead attempt did
    of the intent)
    during a channel's call,      the same
    before its outcome is written
    before the caller is answered everything is settled; the same person asking again is answered
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from flags import Mode
from gateway import refusals
from gateway.answers import Answer, problem, registration_body
from gateway.customer import Customer
from gateway.delivery import Deliverer
from gateway.errors import StorageError, UpstreamError
from gateway.intent import SignUp, opening_of
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.shopify import Accepted, AlreadyRegistered, Refused, Shopify
from gateway.store import Database, Keys, listing, registrations
from gateway.store.registrations import Begun, Opening

__all__ = ["Registrar"]

log = logging.getLogger(__name__)

_LEFT_FOR_CHANNELS = 0.3
"""Seconds of the deadline that are not spent on Shopify."""
_OUTCOME_OF = {
    Mode.ON: Outcome.PENDING,
    Mode.HOLD: Outcome.HELD,
    Mode.OFF: Outcome.SKIPPED,
    Mode.DRY_RUN: Outcome.DRY_RUN,
}


class Registrar:
    """`clock` is wall time. `shopify_result` is told of the master's failures and recoveries."""

    def __init__(
        self,
        db: Database,
        keys: Keys,
        shopify: Shopify,
        deliverer: Deliverer,
        *,
        deadline: Callable[[], float],
        clock: Callable[[], float] = time.time,
        shopify_result: Callable[[UpstreamError | None], None] = lambda error: None,
        intent_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._deliverer = deliverer
        self._deadline = deadline
        self._clock = clock
        self._shopify_result = shopify_result
        self._intent_gone = intent_gone
        self.unclear: Callable[[], None] = lambda: None
        """Told when a sign-up stayed unclear: somebody has to ask Shopify until it is known."""
        self._running: dict[str, asyncio.Task[Answer]] = {}

    def is_running(self, registration_id: str) -> bool:
        return registration_id in self._running

    async def register(self, sign_up: SignUp) -> Answer:
        """The answer to a sign-up. A caller who hangs up cancels nothing."""
        until = asyncio.get_running_loop().time() + self._deadline()
        opening = opening_of(sign_up, self._keys, self._clock())
        try:
            now = self._clock()
            begun = await self._db.write(lambda db: registrations.begin(db, opening, now))
            if begun.verdict in {"new", "resume"}:
                task = self._start(begun, sign_up, opening, until)
                return await asyncio.shield(task)
            return await self._known(begun, opening)
        except StorageError as error:
            log.error("a registration could not be kept: %s (%s)", error, error.hint)
            return refusals.no_storage()

    def _start(
        self, begun: Begun, sign_up: SignUp, opening: Opening, until: float
    ) -> "asyncio.Task[Answer]":
        task = self._deliverer.keep(self._run(begun, sign_up, opening, until))
        self._running[begun.id] = task
        task.add_done_callback(lambda _: self._running.pop(begun.id, None))
        return task

    async def _run(self, begun: Begun, sign_up: SignUp, opening: Opening, until: float) -> Answer:
        try:
            answer = await self._to_shopify(begun, sign_up, opening, until)
            if opening.key is not None:
                await self._remember(opening.key, answer)
        except StorageError:
            self.unclear()  # once the disk is writable again, recovery takes it up
            raise
        return answer

    async def _to_shopify(
        self, begun: Begun, sign_up: SignUp, opening: Opening, until: float
    ) -> Answer:
        try:
            result = await self._shopify.register(
                begun.id,
                sign_up.profile,
                is_ours=lambda mark: self._is_ours(mark, opening.email_hash),
                look_first=begun.verdict == "resume",
                deadline=until - _LEFT_FOR_CHANNELS,
            )
        except UpstreamError as error:
            return await self._failed(begun, error)
        except BaseException:
            await self._mark_unclear(begun.id)
            raise
        self._shopify_result(None)
        match result:
            case Accepted():
                return await self._accepted(begun.id, result, sign_up.email_verified, until=until)
            case AlreadyRegistered():
                await self._drop(begun.id)
                if sign_up.email_verified:
                    await self._deliverer.email_is_verified(result.customer_id)
                return refusals.already_registered()
            case Refused():
                await self._drop(begun.id)
                return problem(
                    422,
                    "invalid-data",
                    "Shopify does not take these values.",
                    errors=result.errors,
                )

    async def _is_ours(self, mark: str, email_hash: bytes) -> bool:
        now = self._clock()
        return mark in await self._db.read(lambda db: registrations.untold_ids(db, email_hash, now))

    async def _accepted(
        self,
        registration_id: str,
        result: Accepted,
        email_verified: bool,
        *,
        until: float,
    ) -> Answer:
        customer = result.customer
        owed = await self.owe(
            registration_id, customer, result.action, result.warnings, email_verified, live=True
        )
        going = [d for d in owed if d.claimed_version == d.version]
        try:
            settled = await self._deliverer.live(going, customer, fresh=result.fresh, until=until)
        except StorageError as error:
            log.error("outcomes could not be kept, they follow: %s (%s)", error, error.hint)
            settled = {}
        deliveries = [settled[d.id].delivery if d.id in settled else d for d in owed]
        told = (ended.settlement.member_number for ended in settled.values())
        number = next(filter(None, told), None) or (
            None if result.fresh else await self._deliverer.member_number(customer.id)
        )
        return Answer(
            201,
            registration_body(
                registration_id, customer.id, result.action, result.warnings, deliveries, number
            ),
        )

    async def owe(
        self,
        registration_id: str,
        customer: Customer,
        action: str,
        warnings: tuple[Mapping[str, str], ...],
        email_verified: bool,
        *,
        live: bool,
    ) -> list[Delivery]:
        """Shopify has the customer: in one commit the deliveries are owed and the intent is gone.

        `live`: tried at once by the caller, so counted and claimed already.
        """
        email = customer.profile.email
        owed = [
            self._owed(name, customer.id, email, email_verified, live=live)
            for name in self._deliverer.routes
        ]
        now = self._clock()
        told = [dict(warning) for warning in warnings]
        written = await self._db.write(
            lambda db: registrations.accept(
                db, registration_id, customer.id, action, told, owed, now, answered=live
            )
        )
        self._intent_gone()
        return written

    def _owed(
        self, channel: str, customer_id: int, email: str, verified: bool, *, live: bool
    ) -> NewDelivery:
        outcome = _OUTCOME_OF[self._deliverer.flag(channel, customer_id, email).mode]
        tried = live and outcome in {Outcome.PENDING, Outcome.DRY_RUN}
        return NewDelivery(channel, Kind.REGISTRATION, outcome, tried, verified)

    async def _failed(self, begun: Begun, error: UpstreamError) -> Answer:
        """503: nothing went to any channel. What may exist is asked for until it is clear."""
        self._shopify_result(error)
        log.warning("registration %s: Shopify failed: %s", begun.id, error)
        if error.applied is False and begun.verdict == "new":
            await self._drop(begun.id)
        else:
            await self._mark_unclear(begun.id)
        return refusals.shopify_unavailable(error, begun.id)

    async def _drop(self, registration_id: str) -> None:
        await self._db.write(lambda db: registrations.drop(db, registration_id))
        self._intent_gone()

    async def _mark_unclear(self, registration_id: str) -> None:
        now = self._clock()
        await self._db.write(lambda db: registrations.mark_unclear(db, registration_id, now))
        self.unclear()

    async def _remember(self, key: bytes, answer: Answer) -> None:
        """Only final answers are remembered; anything else frees the key."""
        final = answer.status == 201 or (
            answer.status == 409 and b'"already-registered"' in answer.body
        )
        status = answer.status if final else None
        now = self._clock()
        await self._db.write(lambda db: registrations.remember(db, key, status, answer.body, now))

    async def _known(self, begun: Begun, opening: Opening) -> Answer:
        answer = refusals.answer_at_once(begun)
        return answer if answer is not None else await self._join(begun, opening)

    async def _join(self, begun: Begun, opening: Opening) -> Answer:
        """The same person with the same data: the answer is that registration's."""
        running = self._running.get(begun.id)
        answer = await asyncio.shield(running) if running is not None else None
        if opening.email_verified:
            await self._verified(begun.id)
        if answer is None:
            answer = await self.answer_of(begun.id, tell=True) or refusals.being_finished(begun.id)
        if opening.key is not None:
            await self._remember(opening.key, answer)
        return answer

    async def _verified(self, registration_id: str) -> None:
        row = await self._db.read(lambda db: registrations.get(db, registration_id))
        if row is not None and row.customer_id is not None:
            await self._deliverer.email_is_verified(row.customer_id)

    async def answer_of(self, registration_id: str, *, tell: bool = False) -> Answer | None:
        """The 201 as it stands now; None where Shopify is not known to have the customer.

        `tell`: the caller hears of the success, so what it sent stands from now on.
        """
        if tell:
            await self._db.write(lambda db: registrations.mark_told(db, registration_id))

        def unit(db: Any) -> tuple[registrations.Registration, list[Delivery]] | None:
            row = registrations.get(db, registration_id)
            if row is None or row.customer_id is None:
                return None
            return row, listing.of_registration(db, registration_id)

        found = await self._db.read(unit)
        if found is None:
            return None
        row, deliveries = found
        assert row.customer_id is not None  # noqa: S101 - checked in the unit
        number = await self._deliverer.member_number(row.customer_id)
        return Answer(
            201,
            registration_body(
                row.id,
                row.customer_id,
                row.shopify_action or "created",
                row.warnings,
                deliveries,
                number,
            ),
        )
