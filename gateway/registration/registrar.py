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
import time
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.delivery import Deliverer
from gateway.errors import StorageError, UpstreamError
from gateway.outcomes import Outcome, shown_number
from gateway.registration.acceptance import Acceptance
from gateway.registration.intent import SignUp, admission_request
from gateway.registration.status import RegistrationStatus
from gateway.responses import problems
from gateway.responses.bodies import Answer, accepted, registration_body
from gateway.shopify import Accepted, AlreadyRegistered, Refused, Shopify
from gateway.store import Database, Keys, admission, registrations
from gateway.store.admission import AdmissionRequest, Begun, Bounds

__all__ = ["Registrar"]

log = logging.getLogger(__name__)

_LEFT_FOR_CHANNELS = 0.3
"""Seconds of the deadline that Shopify may not use."""
_LIVE = frozenset({Outcome.PENDING, Outcome.DRY_RUN})
_JUST_NOW = 10.0
"""Seconds after a registration for which its customer is assumed to exist, without asking."""
_DISK_AGAIN = 1.0
"""Seconds until a failed write to the disk is tried again."""
_AGAIN = 5.0
"""Seconds until a sign-up that was answered 202 before, and failed live, is tried again."""


class Registrar:
    """`clock` is wall time. `shopify_result` is called with Shopify's failures and recoveries.

    `bounds()` says how much may be stored, `has_room()` whether the disk can store another sign-up
    that waits.
    """

    def __init__(
        self,
        db: Database,
        keys: Keys,
        shopify: Shopify,
        deliverer: Deliverer,
        acceptance: Acceptance,
        status: RegistrationStatus,
        *,
        deadline: Callable[[], float],
        bounds: Callable[[], Bounds],
        has_room: Callable[[], Awaitable[bool]],
        clock: Callable[[], float] = time.time,
        shopify_result: Callable[[UpstreamError | None], None] = lambda error: None,
        intent_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._keys = keys
        self._shopify = shopify
        self._deliverer = deliverer
        self._acceptance = acceptance
        self._status = status
        self._deadline = deadline
        self._bounds = bounds
        self._has_room = has_room
        self._clock = clock
        self._shopify_result = shopify_result
        self._intent_gone = intent_gone
        self.unclear: Callable[[], None] = lambda: None
        """Called when nobody knows whether Shopify has the customer: Shopify has to be asked."""
        self.deferred: Callable[[], None] = lambda: None
        """Called when a sign-up was answered 202: it has to be continued."""
        self._running: dict[str, asyncio.Task[Answer]] = {}

    def is_running(self, registration_id: str) -> bool:
        return registration_id in self._running

    async def register(self, sign_up: SignUp) -> Answer:
        """The answer to a sign-up. A caller who hangs up cancels nothing."""
        until = asyncio.get_running_loop().time() + self._deadline()
        if sign_up.later and not await self._has_room():
            return problems.no_room()
        request = admission_request(sign_up, self._keys, self._clock())
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
            if begun is not None and request.key is not None and begun.verdict != "key_busy":
                self._deliverer.keep(self._free_key(request.key))
            return problems.no_storage()

    async def _begin(self, request: AdmissionRequest) -> Begun:
        if request.later:  # it is due by the clock of now
            await self._deliverer.clock_jumps.follow()
        now, bounds = self._clock(), self._bounds()
        begun = await self._db.write(lambda db: admission.begin(db, request, now, bounds))
        if begun.left_unclear:
            self.unclear()
        return begun

    async def _is_gone(self, registration_id: str, request: AdmissionRequest) -> bool:
        """Whether its customer was deleted in Shopify meanwhile. A double click does not ask."""
        if self.is_running(registration_id):
            return False
        row = await self._db.read(lambda db: registrations.get(db, registration_id))
        if row is None or row.customer_id is None:
            return False
        just_now = abs(self._clock() - row.updated_at) < _JUST_NOW
        try:
            if just_now or row.customer_id in await self._shopify.read([row.customer_id]):
                return False
        except UpstreamError:
            return False  # then the old answer is the best we have
        await self._db.write(lambda db: registrations.forget_person(db, row.id, request.key))
        return True

    async def _free_key(self, key: bytes) -> None:
        """Frees the key: no answer was stored, and the key must not stay busy for a day."""
        free = partial(registrations.remember, key=key, status=None, answer=b"", now=0.0)
        while True:
            try:
                return await self._db.write(free)
            except StorageError:
                await asyncio.sleep(_DISK_AGAIN)

    def _start(
        self, begun: Begun, sign_up: SignUp, request: AdmissionRequest, until: float
    ) -> "asyncio.Task[Answer]":
        task = self._deliverer.keep(self._run(begun, sign_up, request, until))
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
        try:
            answer = await self._to_shopify(begun, sign_up, request, until)
            if request.key is not None:
                await self._remember(request.key, answer, final=_is_final(answer))
        except StorageError:
            self.unclear()  # once the disk can be written, one of the two continues
            self.deferred()
            raise
        return answer

    async def _to_shopify(
        self, begun: Begun, sign_up: SignUp, request: AdmissionRequest, until: float
    ) -> Answer:
        try:
            result = await self._shopify.register(
                begun.id,
                sign_up.profile,
                email_verified=sign_up.email_verified,
                is_ours=lambda found_id: self._acceptance.is_ours(found_id, request.email_hash),
                look_first=begun.verdict == "resume",
                deadline=until - _LEFT_FOR_CHANNELS,
            )
        except UpstreamError as error:
            return await self._failed(begun, error)
        except BaseException:
            await self._leave(begun.id, doubt=True)
            raise
        self._shopify_result(None)
        if isinstance(result, Accepted):
            return await self._accepted(begun.id, result, until=until)
        if isinstance(result, AlreadyRegistered) and sign_up.email_verified:
            await self._deliverer.proofs.prove(result.customer_id, request.emails)
        return await self._refused(begun.id, result)

    async def _accepted(
        self,
        registration_id: str,
        result: Accepted,
        *,
        until: float,
    ) -> Answer:
        customer = result.customer
        owed = await self._acceptance.accept(registration_id, result, tried=_LIVE)
        going = [d for d in owed if d.claimed_version == d.version]
        try:
            settled = await self._deliverer.live(going, customer, fresh=result.fresh, until=until)
        except StorageError as error:
            log.error("outcomes could not be kept, they follow: %s (%s)", error, error.hint)
            settled = {}
        deliveries = [settled[d.id].delivery if d.id in settled else d for d in owed]
        ends = (ended.result for ended in settled.values())
        numbers = (shown_number(customer.id, end.member_number, end.unproven) for end in ends)
        number = next(filter(None, numbers), None) or (
            self._deliverer.preparation.number_beforehand(customer.id, deliveries)
            if result.fresh
            else await self._deliverer.member_number(customer.id, deliveries)
        )
        return Answer(
            201,
            registration_body(
                registration_id, customer.id, result.action, result.warnings, deliveries, number
            ),
        )

    async def _refused(self, registration_id: str, result: AlreadyRegistered | Refused) -> Answer:
        answer = problems.refused(result)
        problem, now = problems.kept(answer), self._clock()
        await self._db.write(lambda db: registrations.refuse(db, registration_id, problem, now))
        self._intent_gone()
        return answer

    async def _failed(self, begun: Begun, error: UpstreamError) -> Answer:
        """503: nothing went to any channel. If the customer may exist, Shopify is asked until it is
        known.
        """
        self._shopify_result(error)
        log.warning("registration %s: Shopify failed: %s", begun.id, error)
        doubt = error.applied is not False or begun.verdict == "resume"
        if await self._leave(begun.id, doubt=doubt):
            return accepted(begun.id)  # the same person got a 202 before: it still holds
        return problems.shopify_unavailable(error, begun.id)

    async def _leave(self, registration_id: str, *, doubt: bool) -> bool:
        """Returns whether the sign-up goes on waiting, because its caller was answered 202."""
        now = self._clock()
        waits = await self._db.write(
            lambda db: registrations.fail(db, registration_id, now + _AGAIN, now, doubt=doubt)
        )
        if waits:
            self.deferred()
        elif doubt:
            self.unclear()
        else:
            self._intent_gone()
        return waits

    async def _remember(self, key: bytes, answer: Answer, *, final: bool) -> None:
        """Stores a final answer under its key; any other answer frees the key."""
        status = answer.status if final else None
        now = self._clock()
        await self._db.write(lambda db: registrations.remember(db, key, status, answer.body, now))

    async def _known(self, begun: Begun, request: AdmissionRequest) -> Answer:
        answer = problems.answer_at_once(begun)
        if begun.verdict == "waiting":
            self.deferred()
        return answer if answer is not None else await self._join(begun, request)

    async def _join(self, begun: Begun, request: AdmissionRequest) -> Answer:
        """The same person with the same data gets the first registration's answer."""
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
            await self._deliverer.proofs.prove(row.customer_id, emails)
        elif row is not None:
            await self._db.write(lambda db: registrations.verify(db, registration_id))


def _is_final(answer: Answer) -> bool:
    """Whether the answer is stored under its idempotency key. A 202 is, while it waits."""
    taken = answer.status == 409 and b'"already-registered"' in answer.body
    return taken or answer.status in {201, 202}
