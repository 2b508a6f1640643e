"""One attempt at a delivery, as a chain of steps: flag, gate, claim, channel, judgement, settling.

At most one attempt at a time is under way for a delivery: this process owns the outbox, so a set in
memory is enough, and what a dead process had claimed is due again at the next start.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flags import Decision as FlagDecision
from flags import FlagSet, Mode
from gateway.channels import Channel, Done, Spec, Work
from gateway.customer import Customer
from gateway.delivery.gate import Admission, Gate
from gateway.delivery.policy import Decision, judge, wait_for_channel, wait_for_shopify
from gateway.errors import DryRunStop, ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Delivery, Kind, Link, Outcome, Waiting
from gateway.settings import Section
from gateway.shopify import Shopify
from gateway.store import Database, links, outbox
from gateway.store.outbox import Settlement
from gateway.wire import Lane, dry_run, lane

__all__ = ["Deliverer", "Ended", "Route"]

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


class Deliverer:
    """`clock` is wall time; `listen` is told of every settled attempt."""

    def __init__(
        self,
        db: Database,
        shopify: Shopify,
        routes: Mapping[str, Route],
        *,
        flags: Callable[[], FlagSet],
        schedule: Callable[[], Sequence[float]],
        timeout: Callable[[], float],
        clock: Callable[[], float] = time.time,
        listen: Callable[[Ended], None] = lambda ended: None,
    ) -> None:
        self.routes = routes
        self._db = db
        self._shopify = shopify
        self._flags = flags
        self._schedule = schedule
        self._timeout = timeout
        self._clock = clock
        self._listen = listen
        self._numbering = next((n for n, r in routes.items() if r.spec.numbers_members), None)
        self.busy: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    # -- deciding

    def flag(self, channel: str, customer_id: int, email: str | None = None) -> FlagDecision:
        return self._flags()[channel].decide(customer_id, email)

    def may_go(self, delivery: Delivery) -> bool:
        """Before its customer is read: is the flag on, or has it a list that may name them?"""
        flag = self._flags()[delivery.channel]
        on = flag.decide(delivery.customer_id).mode is Mode.ON
        return on or (flag.mode is Mode.ON and bool(flag.allow))

    def is_too_late(self, delivery: Delivery) -> bool:
        route = self.routes[delivery.channel]
        age = route.spec.max_age(route.settings())
        return (
            age is not None
            and delivery.kind is Kind.REGISTRATION
            and self._clock() - delivery.created_at > age
        )

    # -- the live registration

    async def live(
        self, deliveries: Iterable[Delivery], customer: Customer, *, fresh: bool, until: float
    ) -> dict[int, Delivery]:
        """Try all at once; those settled by `until` (the event loop's time), by delivery id.

        What is unfinished by then goes on, and settles by itself. Outcomes that end close together
        share a commit; a slow channel keeps nobody's outcome waiting for long.
        """
        running: dict[asyncio.Task[Settlement], Delivery] = {}
        for delivery in deliveries:
            self.busy.add(delivery.id)
            task = asyncio.create_task(self._run(delivery, customer, fresh=fresh))
            running[task] = delivery
        settled: dict[int, Delivery] = {}
        loop = asyncio.get_running_loop()
        while running:
            left = until - loop.time()
            if left <= 0:
                break
            done, _ = await asyncio.wait(running, timeout=min(left, 0.25))
            settled |= await self._settle_done({task: running.pop(task) for task in done})
        for task, delivery in running.items():
            self.keep(self._finish_later(task, delivery))
        return settled

    async def _settle_done(
        self, ended: Mapping["asyncio.Task[Settlement]", Delivery]
    ) -> dict[int, Delivery]:
        if not ended:
            return {}
        try:
            settled = await self._settle([task.result() for task in ended])
        finally:
            for delivery in ended.values():
                self.busy.discard(delivery.id)
        return {delivery.id: delivery for delivery in settled}

    async def _finish_later(self, task: "asyncio.Task[Settlement]", delivery: Delivery) -> None:
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        await self._settle_done({task: delivery})

    def keep(self, coroutine: Any) -> "asyncio.Task[Any]":
        """Run something on after its caller has gone; shutdown waits for it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def has_work(self) -> bool:
        """Whether attempts, replays or registrations are under way."""
        return bool(self._tasks or self.busy)

    def keep_until_stop(self, coroutine: Any) -> None:
        """Run something that may never end; `finish` does not wait for it, and cancels it."""
        task = asyncio.create_task(coroutine)
        self._endless.add(task)
        task.add_done_callback(self._endless.discard)

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            known = isinstance(error, (StorageError, UpstreamError))
            log.error("background work failed: %s", error if known else type(error).__name__)

    async def finish(self, seconds: float) -> None:
        """Let what is under way end; what has not ended by then is due again at the next start."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        rest = self._tasks | self._endless
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    # -- every later attempt

    async def read_customers(self, deliveries: Sequence[Delivery]) -> dict[int, Customer] | None:
        """The customers afresh from Shopify; None where that failed, and the deliveries wait."""
        try:
            return await self._shopify.read(d.customer_id for d in deliveries)
        except UpstreamError as error:
            decision = wait_for_shopify(error, self._clock())
            await self._postpone(deliveries, decision)
            return None

    async def again(
        self,
        delivery: Delivery,
        customer: Customer | None,
        *,
        person: bool = False,
        named: bool = False,
    ) -> Delivery | None:
        """Try a persisted delivery; None if somebody else is at it. `customer` None: gone.

        A delivery whose flag is no longer `on` stays as it is, uncounted.
        """
        if delivery.id in self.busy:
            return None
        self.busy.add(delivery.id)
        try:
            return await self._again(delivery, customer, person=person, named=named)
        finally:
            self.busy.discard(delivery.id)

    async def _again(
        self, delivery: Delivery, customer: Customer | None, *, person: bool, named: bool
    ) -> Delivery | None:
        email = customer.profile.email if customer else None
        if self.flag(delivery.channel, delivery.customer_id, email).mode is not Mode.ON:
            return delivery
        if customer is None:
            return await self._end(
                delivery, Outcome.DISCARDED, None, "the customer is gone from Shopify"
            )
        if self.is_too_late(delivery) and not named:
            text = "older than EMAIL_MAX_AGE; replay it by id to send it nevertheless"
            return await self._end(delivery, Outcome.FAILED, ErrorClass.TOO_LATE, text)
        gate = self.routes[delivery.channel].gate
        admission = await gate.admit(person=person)
        if admission is Admission.SHUT:
            await self._postpone([delivery], self._shut(gate))
            return await self._db.read(lambda db: outbox.get(db, delivery.id))
        claimed = None
        try:
            now = self._clock()
            claimed = await self._db.write(lambda db: outbox.claim(db, delivery.id, now))
        finally:
            if claimed is None:
                gate.abandon()
        if claimed is None:
            return None
        token = lane.set(Lane.BACKLOG)
        try:
            settlement = await self._attempt(claimed, customer, fresh=False)
        finally:
            lane.reset(token)
        settled = await self._settle([settlement])
        return settled[0] if settled else None

    async def _end(
        self, delivery: Delivery, outcome: Outcome, error_class: ErrorClass | None, message: str
    ) -> Delivery | None:
        now = self._clock()
        settlement = Settlement(
            delivery.id, outcome, started_at=now, error_class=error_class, message=message
        )
        settled = await self._settle([settlement])
        return settled[0] if settled else None

    async def _postpone(self, deliveries: Sequence[Delivery], decision: Decision) -> None:
        """Wait without an attempt: nothing was tried, so nothing is recorded but the time."""
        ids = [d.id for d in deliveries if d.outcome in {Outcome.PENDING, Outcome.RETRYING}]
        now = self._clock()
        if ids:
            await self._db.write(lambda db: outbox.postpone(db, ids, decision, now))

    # -- the attempt itself

    async def _run(self, delivery: Delivery, customer: Customer, *, fresh: bool) -> Settlement:
        """The live attempt: already claimed, its flag already decided."""
        if delivery.outcome is Outcome.DRY_RUN:
            dry_run.set(True)
            return await self._attempt(delivery, customer, fresh=False)
        gate = self.routes[delivery.channel].gate
        if await gate.admit() is Admission.SHUT:
            return self._settlement(delivery, self._shut(gate), self._clock(), 0.0)
        return await self._attempt(delivery, customer, fresh=fresh)

    def _shut(self, gate: Gate) -> Decision:
        cause = gate.cause or ErrorClass.UNAVAILABLE
        reason = "its credentials are refused" if cause is ErrorClass.AUTH else "it keeps failing"
        text = f"waiting: {gate.channel} is paused since {reason}"
        return wait_for_channel(cause, text, self._clock() + max(1.0, gate.remaining()))

    async def _attempt(self, delivery: Delivery, customer: Customer, *, fresh: bool) -> Settlement:
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

    def _number_by_rule(self, customer_id: int) -> str:
        """The number that this customer will have, where that is known beforehand; else ''."""
        if self._numbering is None:
            return ""
        route = self.routes[self._numbering]
        will_be = self.flag(self._numbering, customer_id).mode in {Mode.ON, Mode.HOLD}
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
            await self.wake(Waiting.CHANNEL, delivery.channel)
        return Settlement(
            delivery.id,
            Outcome.DELIVERED,
            started_at=began,
            duration=seconds,
            action=done.action,
            reference=done.reference,
            member_number=done.member_number,
            adjustments=list(done.adjustments),
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

    async def _settle(self, settlements: Sequence[Settlement]) -> list[Delivery]:
        """Write how attempts ended, together; only then is anybody told."""
        now = self._clock()
        written = await self._db.write(
            lambda db: [outbox.settle(db, settlement, now) for settlement in settlements]
        )
        settled = []
        for delivery, settlement in zip(written, settlements, strict=True):
            if delivery is not None:
                settled.append(delivery)
                self._listen(Ended(delivery, settlement, settlement.error))
        return settled

    async def wake(self, waiting: Waiting, channel: str | None = None) -> int:
        """What deliveries waited for is over."""
        now = self._clock()
        return await self._db.write(lambda db: outbox.wake(db, waiting, channel, now))
