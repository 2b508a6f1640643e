"""One attempt, as a chain of steps: gate, channel, judgement; its end is a `Settlement`.

Nothing here writes an outcome: the caller settles, together with others where that fits.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from flags import FlagSet, Mode
from gateway.channels import Channel, Done, Spec, Work
from gateway.customer import Customer
from gateway.delivery.gate import Admission, Gate
from gateway.delivery.policy import Decision, judge, wait_for_channel
from gateway.errors import DryRunStop, ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Delivery, Link, Outcome, Waiting
from gateway.settings import Section
from gateway.store import Database, links, outbox, schedule
from gateway.store.settling import Settlement
from gateway.wire import dry_run

__all__ = ["Attempts", "Ended", "Route"]

log = logging.getLogger(__name__)

_CALLS_PER_ATTEMPT = 6
"""An attempt as a whole may take as long as this many calls."""


@dataclass(frozen=True, slots=True)
class Route:
    """A channel, its line in the roster, its gate and its settings as they are now."""

    spec: Spec
    channel: Channel
    gate: Gate
    settings: Callable[[], Section]


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that was settled; `error` where it failed."""

    delivery: Delivery
    settlement: Settlement
    error: UpstreamError | None


class Attempts:
    """Makes attempts; `reopened(channel)` is awaited when one finds a shut channel working,
    `due(channel)` is told where a delivery may go now.
    """

    def __init__(
        self,
        db: Database,
        routes: Mapping[str, Route],
        *,
        flags: Callable[[], FlagSet],
        schedule: Callable[[], Sequence[float]],
        timeout: Callable[[], float],
        clock: Callable[[], float],
        reopened: Callable[[str], Awaitable[None]],
        due: Callable[[str], None],
    ) -> None:
        self._db = db
        self.routes = routes
        self._flags = flags
        self._schedule = schedule
        self._timeout = timeout
        self._clock = clock
        self._reopened = reopened
        self._due = due
        self._numbering = next((n for n, r in routes.items() if r.spec.numbers_members), None)

    async def live(self, delivery: Delivery, customer: Customer, *, fresh: bool) -> Settlement:
        """The live attempt: already claimed, its flag already decided."""
        if delivery.outcome is Outcome.DRY_RUN:
            dry_run.set(True)
            return await self.make(delivery, customer, fresh=False)
        gate = self.routes[delivery.channel].gate
        if await gate.admit() is Admission.SHUT:
            return self._settlement(delivery, self.shut(gate), self._clock(), 0.0)
        return await self.make(delivery, customer, fresh=fresh)

    def shut(self, gate: Gate) -> Decision:
        cause = gate.cause or ErrorClass.UNAVAILABLE
        reason = "its credentials are refused" if cause is ErrorClass.AUTH else "it keeps failing"
        text = f"waiting: {gate.channel} is paused since {reason}"
        return wait_for_channel(cause, text, self._clock() + max(1.0, gate.remaining()))

    async def make(self, delivery: Delivery, customer: Customer, *, fresh: bool) -> Settlement:
        gate = self.routes[delivery.channel].gate
        began, started = self._clock(), time.perf_counter()
        error: UpstreamError | None = None
        try:
            async with asyncio.timeout(self._timeout() * _CALLS_PER_ATTEMPT):
                done = await self._deliver(delivery, customer, fresh=fresh)
        except DryRunStop as stop:
            gate.abandon()
            return self._rehearsed(delivery, str(stop), began, time.perf_counter() - started)
        except UpstreamError as failure:
            error = failure
        except TimeoutError:
            error = UpstreamError(
                delivery.channel, "deliver", ErrorClass.TIMEOUT, "the attempt took too long"
            )
        except StorageError:
            gate.abandon()
            raise
        except Exception as bug:
            log.exception("the channel %s broke", delivery.channel)
            text = f"an error of the gateway itself ({type(bug).__name__}); see its log"
            error = UpstreamError(delivery.channel, "deliver", ErrorClass.UNEXPECTED, text)
        except BaseException:
            gate.abandon()
            raise
        seconds = time.perf_counter() - started
        if error is None:
            return await self._arrived(delivery, done, began, seconds)
        return self._broke(delivery, error, began, seconds)

    async def _deliver(self, delivery: Delivery, customer: Customer, *, fresh: bool) -> Done:
        link, number = None, self._number_by_rule(customer.id)
        if not fresh:
            link = await self.link(delivery.channel, customer.id)
            number = await self.member_number(customer.id) or number
        work = Work(
            customer=customer,
            kind=delivery.kind,
            link=link,
            fresh=fresh,
            email_verified=delivery.email_verified,
            plan=delivery.plan,
            save_plan=lambda plan: self._db.write(
                lambda db: outbox.save_plan(db, delivery.id, plan)
            ),
            number=number,
        )
        return await self.routes[delivery.channel].channel.deliver(work)

    async def link(self, channel: str, customer_id: int) -> Link | None:
        return await self._db.read(lambda db: links.get(db, channel, customer_id))

    async def member_number(self, customer_id: int) -> str | None:
        """The number that tills know this customer by; None until a channel has given it."""
        link = await self.link(self._numbering, customer_id) if self._numbering else None
        return link.member_number if link else None

    async def email_is_verified(self, customer_id: int) -> None:
        """The e-mail is known to be theirs: linking that waited for it goes on."""
        channel = self._numbering or ""
        if await self._db.read(lambda db: schedule.is_unverified(db, customer_id, channel)):
            now = self._clock()
            await self._db.write(lambda db: schedule.email_verified(db, customer_id, channel, now))
            self._due(channel)

    def _number_by_rule(self, customer_id: int) -> str:
        """The number that this customer will have, where that is known beforehand; else ''."""
        if self._numbering is None:
            return ""
        route = self.routes[self._numbering]
        will_be = self._flags()[self._numbering].decide(customer_id).mode in {Mode.ON, Mode.HOLD}
        known = will_be and route.spec.number_is_customer_id(route.settings())
        return str(customer_id) if known else ""

    async def _arrived(
        self, delivery: Delivery, done: Done, began: float, seconds: float
    ) -> Settlement:
        gate = self.routes[delivery.channel].gate
        if delivery.outcome is Outcome.DRY_RUN:
            text = f"dry run: nothing to write, the channel has the customer ({done.action})"
            return self._rehearsed(delivery, text, began, seconds)
        if gate.succeeded():
            await self._reopened(delivery.channel)
        return Settlement(
            delivery.id,
            Outcome.DELIVERED,
            started_at=began,
            duration=seconds,
            action=done.action,
            reference=done.reference,
            member_number=done.member_number,
            adjustments=list(done.adjustments),
            old_number=done.old_number,
            old_place=done.old_place,
            match=done.match,
        )

    def _broke(
        self, delivery: Delivery, error: UpstreamError, began: float, seconds: float
    ) -> Settlement:
        if delivery.outcome is Outcome.DRY_RUN:
            return self._rehearsed(delivery, f"dry run: {error}", began, seconds, error)
        decision = judge(error, delivery.attempts, self._schedule(), self._clock(), random.random)
        if decision.waiting is Waiting.INDEX:
            self.routes[delivery.channel].gate.abandon()
        else:
            self.routes[delivery.channel].gate.failed(error)
        return self._settlement(delivery, decision, began, seconds, error)

    def _rehearsed(
        self,
        delivery: Delivery,
        message: str,
        began: float,
        seconds: float,
        error: UpstreamError | None = None,
    ) -> Settlement:
        return Settlement(
            delivery.id,
            Outcome.DRY_RUN,
            started_at=began,
            duration=seconds,
            error_class=error.error_class if error else None,
            message=message,
            error=error,
        )

    def _settlement(
        self,
        delivery: Delivery,
        decision: Decision,
        began: float,
        seconds: float,
        error: UpstreamError | None = None,
    ) -> Settlement:
        return Settlement(
            delivery.id,
            decision.outcome,
            started_at=began,
            duration=seconds,
            error_class=decision.error_class,
            message=decision.message,
            counted=decision.counted,
            next_attempt_at=decision.next_attempt_at,
            waiting=decision.waiting,
            error=error,
        )
