"""The main path: intent -> Shopify -> fan-out -> answer.

What is on disk when the process dies, and what the next start (`recovery`) makes of it:

    before the intent             nothing; the caller got no answer
    after it, during Shopify's    `open` + sealed intent. Shopify may have the customer: the next
    call, after its answer        start looks for them by our id, and if found, sends the channels
    deliveries written            `accepted`, each delivery `pending` and claimed: due at once. The
    (and the intent deleted)      channel first looks for what the dead attempt did
    during a channel's call,      the same
    before its outcome is written
    before the caller is answered everything is settled; the same request again is answered

A sign-up that may be answered later (202) is `waiting` from its first commit on, and
`gateway.registration.deferred` continues it.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial

from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import LIVE
from gateway.errors import StorageError, UpstreamError
from gateway.outcomes import shown_number
from gateway.registration.acceptance import Acceptance
from gateway.registration.intent import SignUp, admission_request
from gateway.registration.status import RegistrationStatus
from gateway.responses import problems
from gateway.responses.answer import Answer, in_both_languages
from gateway.responses.bodies import accepted, registration_body
from gateway.shopify import Accepted, AlreadyRegistered, Refused, Shopify
from gateway.store import Disk, Engine, Keys, admission, idempotency, registrations
from gateway.store.admission import AdmissionRequest, Begun, Bounds
from gateway.store.engine import Batched
from gateway.store.outbox import AttemptResult
from gateway.wire import in_line

__all__ = ["Registrar"]

log = logging.getLogger(__name__)

_LEFT_FOR_CHANNELS = 0.3
"""Seconds of the deadline that Shopify may not use."""
_JUST_NOW = 10.0
"""Seconds after a registration for which its customer is assumed to exist, without asking."""
_AGAIN = 5.0
"""Seconds until a sign-up that was answered 202 before, and failed live, is tried again."""


class Registrar:
    """Takes a sign-up to Shopify and the channels, and says how it went."""

    def __init__(
        self,
        db: Engine,
        keys: Keys,
        shopify: Shopify,
        delivery: DeliveryParts,
        acceptance: Acceptance,
        status: RegistrationStatus,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._delivery = delivery
        self._acceptance = acceptance
        self._status = status
        self._live = runtime.live
        self._listener = runtime.listener
        self._background = runtime.background
        self._spans = runtime.spans
        self._disk = Disk(db.free)
        self._running = acceptance.running
        self._untold = acceptance.untold

    def is_running(self, registration_id: str) -> bool:
        return registration_id in self._running

    async def register(self, sign_up: SignUp) -> Answer:
        """The answer to a sign-up. A caller who hangs up cancels nothing."""
        until = asyncio.get_running_loop().time() + self._live.policy.deadline
        if sign_up.later and not await self._disk.has_room():
            return problems.no_room()
        request = admission_request(sign_up, self._keys, self._live.clock())
        begun: Begun | None = None
        try:
            begun = await self._begin(request)
            if begun.verdict == "join" and await self._is_gone(begun.id, request):
                begun = await self._begin(request)
            if begun.verdict in {"new", "resume"}:
                return await asyncio.shield(self._start(begun, sign_up, request, until))
            return await self._known(begun, request)
        except StorageError as error:
            log.error("a registration could not be kept: %s (%s)", error, error.hint)
            if begun is not None:
                self._untold.add(begun, request)
            return problems.no_storage()

    async def _begin(self, request: AdmissionRequest) -> Begun:
        if request.later:  # it is due by the clock of now
            await self._delivery.clock_jumps.follow()
        asked = request, self._live.clock(), Bounds(self._live.policy.waiting_limit)
        begun = await self._db.write(Batched(admission.begin_all, asked), request.keys)
        if begun.left_unclear:
            self._listener.registration_unclear()
        return begun

    async def _is_gone(self, registration_id: str, request: AdmissionRequest) -> bool:
        """Whether its customer was deleted in Shopify meanwhile. A double click does not ask."""
        if self.is_running(registration_id):
            return False
        row = await self._db.read(lambda db: registrations.get(db, registration_id))
        if row is None or row.customer_id is None:
            return False
        if abs(self._live.clock() - row.updated_at) < _JUST_NOW:
            return False
        try:
            if row.customer_id in await self._shopify.read([row.customer_id]):
                return False
        except UpstreamError:
            return False  # the stored answer is the best we have
        await self._db.write(lambda db: registrations.forget_person(db, row.id, request.key))
        return True

    def _start(
        self, begun: Begun, sign_up: SignUp, request: AdmissionRequest, until: float
    ) -> "asyncio.Task[Answer]":
        work = self._run(begun, sign_up, request, until)
        task = self._background.keep(work, f"registration {begun.id}")
        self._running[begun.id] = task
        task.add_done_callback(partial(self._ended, begun.id))
        return task

    def _ended(self, registration_id: str, task: "asyncio.Task[Answer]") -> None:
        """Leaves a second run alone that may have begun meanwhile."""
        if self._running.get(registration_id) is task:
            del self._running[registration_id]

    async def _run(
        self, begun: Begun, sign_up: SignUp, request: AdmissionRequest, until: float
    ) -> Answer:
        """Runs in a task of its own, so that `foresee_sign_up` concerns this sign-up alone."""
        first, spans = begun.verdict == "new", self._spans
        try:
            with spans.registration(begun.id, first=first) as note:
                self._delivery.preparation.foresee_sign_up()
                answer = await self._to_shopify(begun, sign_up, request, until)
                note("status", answer.status)
            if request.key is not None:
                await self._remember(request.key, answer, final=_is_final(answer))
        except StorageError:
            # Once the disk is writable again, recovery or the deferred registrations take it up.
            self._listener.registration_unclear()
            self._listener.registration_deferred()
            raise
        return answer

    async def _to_shopify(
        self, begun: Begun, sign_up: SignUp, request: AdmissionRequest, until: float
    ) -> Answer:
        try:
            with self._spans.shopify(), in_line(request.email_hash):
                result = await self._shopify.register(
                    begun.id,
                    sign_up.profile,
                    email_verified=sign_up.email_verified,
                    is_ours=partial(
                        self._acceptance.is_ours,
                        email_hash=request.email_hash,
                        until=until - _LEFT_FOR_CHANNELS,
                    ),
                    look_first=begun.verdict == "resume",
                    deadline=until - _LEFT_FOR_CHANNELS,
                )
        except UpstreamError as error:
            return await self._failed(begun, error)
        except BaseException:
            await self._leave(begun.id, doubt=True)
            raise
        self._listener.shopify_answered(None)
        if isinstance(result, Accepted):
            return await self._accepted(begun.id, result, request.emails, until=until)
        if isinstance(result, AlreadyRegistered) and sign_up.email_verified:
            await self._delivery.proofs.prove(result.customer_id, request.emails)
        return await self._refused(begun.id, result)

    async def _accepted(
        self,
        registration_id: str,
        result: Accepted,
        emails: Sequence[bytes],
        *,
        until: float,
    ) -> Answer:
        customer = result.customer
        owed = await self._acceptance.accept(registration_id, result, emails, tried=LIVE)
        run = await self._delivery.deliverer.run_live(
            owed, customer, fresh=result.fresh, until=until
        )
        number = _learnt(customer.id, run.results) or (
            self._delivery.preparation.number_beforehand(customer.id, run.deliveries)
            if result.fresh
            else await self._delivery.preparation.member_number(customer.id, run.deliveries)
        )
        body = registration_body(
            registration_id, customer.id, result.action, result.warnings, run.deliveries, number
        )
        return in_both_languages(201, body).about(registration_id, run.deliveries)

    async def _refused(self, registration_id: str, result: AlreadyRegistered | Refused) -> Answer:
        answer = problems.refused(result).about(registration_id)
        problem, now = problems.kept(answer), self._live.clock()
        await self._db.write(lambda db: registrations.refuse(db, registration_id, problem, now))
        self._listener.intent_gone()
        return answer

    async def _failed(self, begun: Begun, error: UpstreamError) -> Answer:
        """503: nothing went to any channel. If the customer may exist, Shopify is asked until it is
        known.
        """
        self._listener.shopify_answered(error)
        log.warning("registration %s: Shopify failed: %s", begun.id, error)
        doubt = error.applied is not False or begun.verdict == "resume"
        if await self._leave(begun.id, doubt=doubt):
            return accepted(begun.id)  # the same person got a 202 before, and it still holds
        return problems.shopify_unavailable(error, begun.id)

    async def _leave(self, registration_id: str, *, doubt: bool) -> bool:
        """Returns whether the sign-up goes on waiting, because its caller was answered 202."""
        now = self._live.clock()
        waits = await self._db.write(
            lambda db: registrations.fail(db, registration_id, now + _AGAIN, now, doubt=doubt)
        )
        if waits:
            self._listener.registration_deferred()
        elif doubt:
            self._listener.registration_unclear()
        else:
            self._listener.intent_gone()
        return waits

    async def _remember(self, key: bytes, answer: Answer, *, final: bool) -> None:
        """Stores a final answer under its key; any other answer frees the key."""
        if not final:
            await self._db.write(partial(idempotency.free_key, key=key), (key,))
            return
        status, now = answer.status, self._live.clock()
        await self._db.write(
            lambda db: idempotency.remember(db, key, status, answer.body, now), (key,)
        )

    async def _known(self, begun: Begun, request: AdmissionRequest) -> Answer:
        answer = problems.answer_at_once(begun)
        if begun.verdict == "waiting":
            self._listener.registration_deferred()
        return answer if answer is not None else await self._join(begun, request)

    async def _join(self, begun: Begun, request: AdmissionRequest) -> Answer:
        """The same person with the same data gets the first registration's answer."""
        self._untold.joined(begun.id)
        running = self._running.get(begun.id)
        answer = await asyncio.shield(running) if running is not None else None
        if request.email_verified:
            await self._verified(begun.id, request)
        if answer is None:
            found = await self._status.answer_of(begun.id)
            answer = found or problems.being_finished(begun.id)
        if request.key is not None:
            ended = running is None and answer.status == 422  # of one that was answered 202
            await self._remember(request.key, answer, final=ended or _is_final(answer))
        return answer

    async def _verified(self, registration_id: str, request: AdmissionRequest) -> None:
        row = await self._db.read(lambda db: registrations.get(db, registration_id))
        if row is not None and row.customer_id is not None:
            same = row.email_hash == request.email_hash
            emails = request.emails if same else (row.email_hash,)
            await self._delivery.proofs.prove(row.customer_id, emails)
        elif row is not None:
            await self._db.write(lambda db: registrations.verify(db, registration_id))


def _learnt(customer_id: int, ends: Iterable[AttemptResult]) -> str | None:
    """The member number that an attempt has just brought, if the customer may know it."""
    for end in ends:
        if number := shown_number(customer_id, end.member_number, end.unproven):
            return number
    return None


def _is_final(answer: Answer) -> bool:
    """Whether the answer is stored under its idempotency key. A 202 is, too."""
    taken = answer.status == 409 and b'"already-registered"' in answer.body
    return taken or answer.status in {201, 202}
