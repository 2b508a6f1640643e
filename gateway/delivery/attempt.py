"""One attempt, as a chain of steps: circuit, channel, judgement; its end is an `AttemptResult`.

Nothing here writes an outcome: the caller settles, together with others where that fits.
"""

import logging
import random
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from flags import Mode
from gateway.channels import Done
from gateway.customer import Customer
from gateway.delivery.circuit import CircuitBreaker, CircuitState
from gateway.delivery.opening import after_opting_out
from gateway.delivery.preparation import Preparation
from gateway.delivery.retry import RetryDecision, judge, wait_for_channel, wait_for_shopify
from gateway.delivery.route import Route
from gateway.delivery.runtime import Runtime
from gateway.delivery.settling import AttemptResults
from gateway.delivery.spans import NO_SPANS
from gateway.errors import DryRunStop, ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Delivery, Link, Outcome, Waiting
from gateway.store.outbox import AttemptResult
from gateway.wire import PausableTimeout, dry_run

__all__ = ["Attempts"]

log = logging.getLogger(__name__)

_CALLS_PER_ATTEMPT = 6
"""An attempt as a whole may take as long as this many calls, beside waiting for its turn and our
own limits.
"""


class Attempts:
    """Makes attempts. One that finds a paused channel working makes due what waited for it."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        preparation: Preparation,
        ends: AttemptResults,
        runtime: Runtime,
    ) -> None:
        self.routes = routes
        self.preparation = preparation
        self._results = ends
        self._live = runtime.live
        self._spans = runtime.spans

    def live(
        self, delivery: Delivery, customer: Customer, *, fresh: bool
    ) -> Coroutine[Any, Any, AttemptResult]:
        """The live attempt: already claimed, its flag already decided."""
        if delivery.outcome is Outcome.DRY_RUN:
            return self._rehearse(delivery, customer)
        circuit = self.routes[delivery.channel].circuit
        if circuit.cause is None:
            return self.make(delivery, customer, fresh=fresh)
        return self._probe(delivery, customer, circuit, fresh=fresh)

    async def _rehearse(self, delivery: Delivery, customer: Customer) -> AttemptResult:
        dry_run.set(True)
        return await self.make(delivery, customer, fresh=False)

    async def _probe(
        self, delivery: Delivery, customer: Customer, circuit: CircuitBreaker, *, fresh: bool
    ) -> AttemptResult:
        if await circuit.admit() is CircuitState.OPEN:
            return self._result(delivery, self.paused(circuit), self._live.clock(), 0.0)
        return await self.make(delivery, customer, fresh=fresh)

    def paused(self, circuit: CircuitBreaker) -> RetryDecision:
        cause = circuit.cause or ErrorClass.UNAVAILABLE
        text = f"waiting: {circuit.channel} is paused since {circuit.reason}"
        again = self._live.clock() + max(1.0, circuit.remaining())
        return wait_for_channel(cause, text, again, circuit.upstream_reason)

    def make(
        self, delivery: Delivery, customer: Customer | None, *, fresh: bool
    ) -> Coroutine[Any, Any, AttemptResult]:
        """`customer` is None for a removal alone."""
        make = self._make if self._spans is NO_SPANS else self._traced
        return make(delivery, customer, fresh=fresh)

    async def _traced(
        self, delivery: Delivery, customer: Customer | None, *, fresh: bool
    ) -> AttemptResult:
        with self._spans.attempt(delivery) as note:
            result = await self._make(delivery, customer, fresh=fresh)
            note("outcome", result.outcome)
            if result.error_class is not None:
                note("error_class", result.error_class)
            return result

    async def _make(
        self, delivery: Delivery, customer: Customer | None, *, fresh: bool
    ) -> AttemptResult:
        circuit = self.routes[delivery.channel].circuit
        began, started = self._live.clock(), time.perf_counter()
        wakings = self._results.wakings
        turn = self.preparation.turn(delivery.channel, delivery.customer_id)
        most = self._live.policy.timeout * _CALLS_PER_ATTEMPT
        error: UpstreamError | None = None
        try:
            async with turn:
                with PausableTimeout(most):
                    result = await self._deliver(delivery, customer, began, fresh=fresh)
        except DryRunStop as stop:
            circuit.abandon()
            return self._rehearsed(delivery, str(stop), began, time.perf_counter() - started)
        except UpstreamError as failure:
            error = failure
        except TimeoutError:
            error = UpstreamError(
                delivery.channel, "deliver", ErrorClass.TIMEOUT, "the attempt took too long"
            )
        except StorageError:
            circuit.abandon()
            raise
        except Exception as bug:
            log.exception("the channel %s broke", delivery.channel)
            text = f"an error of the gateway itself ({type(bug).__name__}); see its log"
            error = UpstreamError(delivery.channel, "deliver", ErrorClass.UNEXPECTED, text)
        except BaseException:
            circuit.abandon()
            raise
        seconds = time.perf_counter() - started
        if error is None:
            result.duration = seconds
            return await self._arrived(delivery, result)
        result = self._broke(delivery, error, began, seconds)
        result.wakings = wakings
        if customer is not None:
            result.content_hash = self.preparation.content_hash(delivery.channel, customer)
        return result

    async def _deliver(
        self, delivery: Delivery, customer: Customer | None, began: float, *, fresh: bool
    ) -> AttemptResult:
        if customer is None or delivery.kind.removes:
            return _delivered(delivery, await self._remove(delivery), began)
        work, mode = await self.preparation.prepare(delivery, customer, fresh=fresh)
        route = self.routes[delivery.channel]
        if work.link is None and not route.channel.takes(customer):
            raise _cannot_have(delivery.channel)
        whom, sending = (delivery.channel, customer.id), self.preparation.sending
        sending[whom] = customer
        try:
            done = await route.channel.deliver(work)
        finally:
            del sending[whom]
        result = _delivered(delivery, done, began)
        if done.fields or work.link:
            result.fingerprints = work.last_sent.after(
                done.fields, done.sent, done.in_record, done.kept
            )
        result.was_linked = work.link is not None and work.link.reference == done.reference
        if mode is not Mode.ON:
            result.outcome = after_opting_out(mode)
            result.message = "only the opting out was sent; the flag keeps the rest"
        return result

    async def _remove(self, delivery: Delivery) -> Done:
        """The result brings the link. If there is no link, an earlier attempt made the record, or
        its answer was lost.
        """
        route = self.routes[delivery.channel]
        if route.settings().missing():
            text = "settings of the channel are missing: set them, then replay this delivery"
            raise UpstreamError(
                delivery.channel, "remove", ErrorClass.CONFLICT, text, applied=False
            )
        link = await self.preparation.link(delivery.channel, delivery.customer_id)
        if link is None and (reference := await route.channel.record_of(delivery.customer_id)):
            plan = delivery.plan or {}
            old = {"old_number": plan.get("old_number"), "old_place": plan.get("old_number_in")}
            link = Link(delivery.channel, delivery.customer_id, reference, **old)
        return Done("removed", "") if link is None else await route.channel.remove(link)

    async def _arrived(self, delivery: Delivery, result: AttemptResult) -> AttemptResult:
        circuit = self.routes[delivery.channel].circuit
        if delivery.outcome is Outcome.DRY_RUN:
            text = f"dry run: nothing to write, the channel has the customer ({result.action})"
            return self._rehearsed(delivery, text, result.started_at, result.duration)
        if circuit.succeeded():
            await self._results.wake(Waiting.CHANNEL, delivery.channel)
        return result

    def _broke(
        self, delivery: Delivery, error: UpstreamError, began: float, seconds: float
    ) -> AttemptResult:
        if delivery.outcome is Outcome.DRY_RUN:
            return self._rehearsed(delivery, f"dry run: {error}", began, seconds, error)
        if error.system == "shopify":  # a record's owner could not be asked for
            self.routes[delivery.channel].circuit.abandon()
            waits = wait_for_shopify(error, self._live.clock())
            return self._result(delivery, waits, began, seconds, error)
        schedule, now = self._live.policy.schedule, self._live.clock()
        decision = judge(error, delivery.attempts, schedule, now, random.random)
        if decision.waiting is Waiting.INDEX:
            self.routes[delivery.channel].circuit.abandon()
        else:
            self.routes[delivery.channel].circuit.failed(error)
        return self._result(delivery, decision, began, seconds, error)

    def _rehearsed(
        self,
        delivery: Delivery,
        message: str,
        began: float,
        seconds: float,
        error: UpstreamError | None = None,
    ) -> AttemptResult:
        return AttemptResult(
            delivery.id,
            Outcome.DRY_RUN,
            started_at=began,
            duration=seconds,
            customer_id=delivery.customer_id,
            error_class=error.error_class if error else None,
            message=message,
            reason=error.reason if error else None,
            error=error,
        )

    def _result(
        self,
        delivery: Delivery,
        decision: RetryDecision,
        began: float,
        seconds: float,
        error: UpstreamError | None = None,
    ) -> AttemptResult:
        return AttemptResult(
            delivery.id,
            decision.outcome,
            started_at=began,
            duration=seconds,
            customer_id=delivery.customer_id,
            error_class=decision.error_class,
            message=decision.message,
            counted=decision.counted,
            next_attempt_at=decision.next_attempt_at,
            ahead=self._live.clock() - time.monotonic(),
            wakings=self._results.wakings,
            waiting=decision.waiting,
            reason=error.reason if error else decision.reason,
            error=error,
        )


def _delivered(delivery: Delivery, done: Done, began: float) -> AttemptResult:
    return AttemptResult(
        delivery.id,
        Outcome.DELIVERED,
        started_at=began,
        customer_id=delivery.customer_id,
        action=done.action,
        reference=done.reference,
        member_number=done.member_number,
        adjustments=list(done.adjustments),
        old_number=done.old_number,
        old_place=done.old_place,
        match=done.match,
        unproven=done.unproven,
        instead_of=done.instead_of,
    )


def _cannot_have(channel: str) -> UpstreamError:
    text = "the customer lacks what the channel needs of everybody: an e-mail or a name"
    return UpstreamError(channel, "deliver", ErrorClass.INVALID_DATA, text, applied=False)
