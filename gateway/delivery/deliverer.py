"""One attempt at a delivery, as a chain of steps: flag, circuit, claim, channel, judgement,
settling.

At most one attempt at a time is under way for a delivery: this process owns the outbox, so a set in
memory is enough, and what a dead process had claimed is due again at the next start.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from flags import Decision as FlagDecision
from flags import FlagSet
from gateway.customer import Customer
from gateway.delivery.attempt import Attempts, Route, SettledAttempt
from gateway.delivery.background import Background
from gateway.delivery.circuit import CircuitState
from gateway.delivery.clock_jumps import ClockJumps
from gateway.delivery.proofs import Proofs
from gateway.delivery.retry import wait_for_a_person, wait_for_shopify
from gateway.delivery.settling import AttemptResults, ended_together
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Delivery, Kind, Outcome, Waiting
from gateway.shopify import Shopify
from gateway.store import Database, Keys, erasure, outbox, removals
from gateway.store.outbox import AttemptResult
from gateway.wire import Lane, lane

__all__ = ["Deliverer", "Route", "SettledAttempt"]

log = logging.getLogger(__name__)


Missing = Callable[[Iterable[int], Collection[int]], Awaitable[set[int]]]
"""Told who was asked for and who was found in Shopify: of whom nothing may be given up."""


class Deliverer(Background):
    """`clock` is wall time; `listen` is told of every settled attempt, `due` of what to look at."""

    def __init__(
        self,
        db: Database,
        shopify: Shopify,
        routes: Mapping[str, Route],
        keys: Keys,
        *,
        flags: Callable[[], FlagSet],
        schedule: Callable[[], Sequence[float]],
        timeout: Callable[[], float],
        clock: Callable[[], float] = time.time,
        listen: Callable[[SettledAttempt], None] = lambda ended: None,
        due: Callable[[str], None] = lambda channel: None,
        missing: Missing | None = None,
    ) -> None:
        super().__init__()
        self.routes = routes
        self._db = db
        self._shopify = shopify
        self._flags = flags
        self._clock = clock
        self._missing = missing
        self.clock_jumps = ClockJumps(db, clock)
        self._results = AttemptResults(db, self.clock_jumps, clock, listen)
        self._attempts = Attempts(
            db,
            routes,
            keys,
            flags=flags,
            schedule=schedule,
            timeout=timeout,
            clock=clock,
            recovered=self._recovered,
        )
        self.preparation = self._attempts.preparation
        self.member_number = self.preparation.member_number
        self.proofs = Proofs(db, self.preparation, clock=clock, due=due)
        self.busy: set[int] = set()
        self._live: set[int] = set()  # of them, those of live attempts

    # -- deciding

    def flag(self, channel: str, customer_id: int, email: str | None = None) -> FlagDecision:
        return self._flags()[channel].decide(customer_id, email)

    def may_go(self, delivery: Delivery) -> bool:
        """Before its customer is read: could the flags let it go, or must it go?"""
        return delivery.urgent or self.preparation.flag_policy.may_be(delivery)

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
    ) -> dict[int, SettledAttempt]:
        """Try all at once; those settled by `until` (the event loop's time), by delivery id.

        What is unfinished by then goes on, and settles by itself. No outcome waits for a slower
        channel's: a process that dies meanwhile would repeat it.
        """
        running: dict[asyncio.Task[AttemptResult], Delivery] = {}
        for delivery in deliveries:
            self.busy.add(delivery.id)
            self._live.add(delivery.id)
            task = asyncio.create_task(self._attempts.live(delivery, customer, fresh=fresh))
            running[task] = delivery
        settled: dict[int, SettledAttempt] = {}
        loop = asyncio.get_running_loop()
        try:
            while running and (left := until - loop.time()) > 0:
                done = await ended_together(running, left)
                settled |= await self._settle_done({task: running.pop(task) for task in done})
        finally:
            for task, delivery in running.items():
                self.keep(self._finish_later(task, delivery))
        return settled

    async def _settle_done(
        self, ended: Mapping["asyncio.Task[AttemptResult]", Delivery]
    ) -> dict[int, SettledAttempt]:
        """Attempts that could not even be made for want of the database stay pending."""
        results = []
        for task, delivery in ended.items():
            if task.cancelled() or task.exception() is not None:
                self._free([delivery.id])
            else:
                results.append(task.result())
        if not results:
            return {}
        follows = False
        try:
            settled = await self._results.settle(results)
        except StorageError:
            follows = True
            self.keep(self._settle_later(results))
            raise
        finally:
            if not follows:
                self._free(end.delivery_id for end in results)
        return {one.delivery.id: one for one in settled}

    async def _settle_later(self, results: Sequence[AttemptResult]) -> None:
        """The disk failed us, not the channels: nothing is repeated there if this can be helped."""
        try:
            while True:
                await asyncio.sleep(1.0)
                with suppress(StorageError):
                    await self._results.settle(results)
                    return
        finally:
            self._free(end.delivery_id for end in results)

    def _free(self, ids: Iterable[int]) -> None:
        for delivery_id in ids:
            self.busy.discard(delivery_id)
            self._live.discard(delivery_id)

    async def _finish_later(self, task: "asyncio.Task[AttemptResult]", delivery: Delivery) -> None:
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        await self._settle_done({task: delivery})

    def has_work(self) -> bool:
        """Whether attempts, replays or registrations are under way."""
        return bool(self._tasks or self.busy)

    # -- every later attempt

    async def with_customers(
        self, deliveries: Sequence[Delivery]
    ) -> list[tuple[Delivery, Customer | None]] | None:
        """The deliveries with their customers (None: gone), afresh from Shopify.

        Those whose customer alone Shopify does not answer for have failed, and are left out. None
        where Shopify could not be asked: then all wait.
        """
        needed = {d.customer_id for d in deliveries if d.kind is not Kind.REMOVAL}
        try:
            read = await self._shopify.read_each(needed)
        except UpstreamError as error:
            decision = wait_for_shopify(error, self._clock())
            await self._results.postpone(deliveries, decision)
            return None
        asked = needed - read.refused.keys()
        if self._missing is not None and len(read.customers) < len(asked):
            await self._missing(asked, read.customers)
        refused = [d for d in deliveries if d.customer_id in read.refused and not _is_removal(d)]
        for delivery in refused:
            await self.cannot_be_read(delivery, read.refused[delivery.customer_id])
        return [(d, read.customers.get(d.customer_id)) for d in deliveries if d not in refused]

    async def cannot_be_read(self, delivery: Delivery, error: UpstreamError) -> None:
        """Shopify answers for others, and not for this customer: a person has to look."""
        if delivery.id not in self.busy:
            text = f"the customer cannot be read from Shopify ({error})"
            await self._results.end(delivery, Outcome.FAILED, error.error_class, text)

    async def again(
        self,
        delivery: Delivery,
        customer: Customer | None,
        *,
        person: bool = False,
        named: bool = False,
    ) -> Delivery | None:
        """Try a persisted delivery; None if somebody else is at it, or the customer changed since
        they were read. `customer` None: gone.

        A delivery whose flag is no longer `on` stays as it is, uncounted.
        """
        if delivery.id in self.busy:
            return None
        self.busy.add(delivery.id)
        try:
            return await self._again(delivery, customer, person=person, named=named)
        finally:
            if delivery.id not in self._live:  # a change may have taken it over
                self.busy.discard(delivery.id)

    async def _again(
        self, delivery: Delivery, customer: Customer | None, *, person: bool, named: bool
    ) -> Delivery | None:
        if not delivery.urgent and await self.preparation.is_kept_back(delivery, customer):
            return delivery
        if customer is None and delivery.kind is not Kind.REMOVAL:
            return await self._gone(delivery)
        if self.is_too_late(delivery) and not named:
            text = "older than EMAIL_MAX_AGE; replay it by id to send it nevertheless"
            return await self._results.end(delivery, Outcome.FAILED, ErrorClass.TOO_LATE, text)
        circuit = self.routes[delivery.channel].circuit
        state = await circuit.admit(person=person)
        if state is CircuitState.OPEN:
            await self._results.postpone([delivery], self._attempts.paused(circuit))
            waiting = await self._db.read(lambda db: outbox.get(db, delivery.id))
            return waiting if waiting and waiting.outcome.is_open else None
        claimed = None
        try:
            now, seen = self._clock(), delivery.version  # before the customer was read
            claimed = await self._db.write(lambda db: outbox.claim(db, delivery.id, now, seen))
        finally:
            if claimed is None:
                circuit.abandon()
        if claimed is None:
            return None
        token = lane.set(Lane.BACKLOG)
        try:
            result = await self._attempts.make(claimed, customer, fresh=False)
        finally:
            lane.reset(token)
        settled = await self._results.settle([result])
        return settled[0].delivery if settled else None

    async def _gone(self, delivery: Delivery) -> Delivery | None:
        """Given up; kept where too many are gone at once for that to be believed."""
        customer_id, now = delivery.customer_id, self._clock()
        if not await self._db.write(lambda db: removals.begin(db, customer_id, "gone", now)):
            await self._results.postpone([delivery], wait_for_a_person(now))
            return delivery
        return await self._results.end(delivery, Outcome.DISCARDED, None, erasure.GONE)

    async def wake(self, waiting: Waiting, channel: str | None = None) -> None:
        """What deliveries waited for is over."""
        await self.clock_jumps.follow()
        now = self._clock()
        while await self._db.write(lambda db: outbox.wake(db, waiting, channel, now)):
            pass

    async def _recovered(self, channel: str) -> None:
        await self.wake(Waiting.CHANNEL, channel)


def _is_removal(delivery: Delivery) -> bool:
    return delivery.kind is Kind.REMOVAL
