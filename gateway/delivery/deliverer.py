"""One attempt at a delivery, as a chain of steps: flag, circuit, claim, channel, judgement,
settling.

At most one attempt at a time is under way for a delivery: this process owns the outbox, so a set in
memory is enough, and what a dead process had claimed is due again at the next start.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from gateway.background import on_behalf_of, until_stored
from gateway.customer import Customer
from gateway.delivery.attempt import Attempts
from gateway.delivery.circuit import CircuitState
from gateway.delivery.ended import LiveRun, SettledAttempt
from gateway.delivery.retry import wait_for_a_person, wait_for_shopify
from gateway.delivery.running import Running
from gateway.delivery.runtime import Runtime
from gateway.delivery.settling import AttemptResults
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.outcomes import Delivery, Outcome, Waiting
from gateway.shopify import Shopify
from gateway.store import Engine, erasure, outbox, removals
from gateway.store.outbox import AttemptResult
from gateway.wire import Lane, lane

__all__ = ["Deliverer"]

log = logging.getLogger(__name__)


class Doubted(Protocol):
    """Is told which customers were asked for and which Shopify has; returns those whose deliveries
    must not be given up.
    """

    async def read(self, asked: Iterable[int], found: Collection[int]) -> set[int]: ...


class Deliverer:
    """Tries deliveries, live or later, and stores their outcomes."""

    def __init__(
        self,
        db: Engine,
        shopify: Shopify,
        attempts: Attempts,
        ends: AttemptResults,
        doubted: Doubted,
        runtime: Runtime,
    ) -> None:
        self.routes = attempts.routes
        self._db = db
        self._shopify = shopify
        self._attempts = attempts
        self._results = ends
        self._doubted = doubted
        self._runtime = runtime
        self._preparation = attempts.preparation
        self.busy: set[int] = set()
        self._live: set[int] = set()  # of them, those of live attempts

    # -- deciding

    def may_go(self, delivery: Delivery) -> bool:
        """Before its customer is read: whether the flags may let it go, or it must go whatever they
        say.
        """
        return delivery.urgent or self._preparation.flag_policy.may_be(delivery)

    def is_too_late(self, delivery: Delivery) -> bool:
        route = self.routes[delivery.channel]
        age = route.spec.max_age(route.settings())
        return (
            age is not None
            and delivery.kind.ages
            and self._runtime.clock() - delivery.created_at > age
        )

    # -- the live registration

    async def run_live(
        self, owed: Sequence[Delivery], customer: Customer, *, fresh: bool, until: float
    ) -> LiveRun:
        """As `live`, for those that were stored as claimed; the others stay as they are.

        Outcomes that the database cannot store are stored as soon as it can.
        """
        going = [delivery for delivery in owed if delivery.claimed_version == delivery.version]
        if not going:
            return LiveRun(owed)
        try:
            ended = await self.live(going, customer, fresh=fresh, until=until)
        except StorageError as error:
            log.error("outcomes could not be stored yet: %s (%s)", error, error.hint)
            return LiveRun(owed)
        now = [ended[each.id].delivery if each.id in ended else each for each in owed]
        return LiveRun(now, [each.result for each in ended.values()])

    async def live(
        self, deliveries: Iterable[Delivery], customer: Customer, *, fresh: bool, until: float
    ) -> dict[int, SettledAttempt]:
        """Tries all at once; returns those that ended by `until` (the event loop's time), by
        delivery id.

        What is unfinished by then goes on by itself. No outcome waits for a slower channel's: a
        process that dies meanwhile would send it again.
        """
        loop = asyncio.get_running_loop()
        running: dict[asyncio.Task[AttemptResult], Delivery] = {}
        for delivery in deliveries:
            self.busy.add(delivery.id)
            self._live.add(delivery.id)
            task = loop.create_task(self._attempts.live(delivery, customer, fresh=fresh))
            running[task] = delivery
        settled: dict[int, SettledAttempt] = {}
        ends = Running(running, loop)
        try:
            while running and loop.time() < until:
                done = await ends.ended_together(until)
                settled |= await self._settle_done({task: running.pop(task) for task in done})
        finally:
            for task, delivery in running.items():
                later = self._finish_later(task, delivery)
                self._runtime.background.keep(later, f"attempt at delivery {delivery.id}")
        return settled

    async def _settle_done(
        self, ended: Mapping["asyncio.Task[AttemptResult]", Delivery]
    ) -> dict[int, SettledAttempt]:
        """Attempts that could not be made because the database failed stay pending."""
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
            self._runtime.background.keep(self._settle_later(results), "settling attempts")
            raise
        finally:
            if not follows:
                self._free([end.delivery_id for end in results])
        return {one.delivery.id: one for one in settled}

    async def _settle_later(self, results: Sequence[AttemptResult]) -> None:
        """The disk failed, not the channels: so the attempt is not repeated there if its outcome
        can still be stored.
        """
        try:
            await until_stored(lambda: self._results.settle(results))
        finally:
            self._free([end.delivery_id for end in results])

    def _free(self, ids: Collection[int]) -> None:
        self.busy.difference_update(ids)
        self._live.difference_update(ids)

    async def _finish_later(self, task: "asyncio.Task[AttemptResult]", delivery: Delivery) -> None:
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        await self._settle_done({task: delivery})

    def has_work(self) -> bool:
        """Whether attempts, replays or registrations are under way."""
        return bool(self._runtime.background.is_busy or self.busy)

    # -- every later attempt

    async def with_customers(
        self, deliveries: Sequence[Delivery]
    ) -> list[tuple[Delivery, Customer | None]] | None:
        """The deliveries with their customers (None: gone), read afresh from Shopify.

        If Shopify gives an error for a single customer, that delivery has failed and is left out.
        None if Shopify could not be asked: then all wait.
        """
        needed = {d.customer_id for d in deliveries if not d.kind.removes}
        wakings = self._results.wakings
        try:
            read = await self._shopify.read_each(needed)
        except UpstreamError as error:
            decision = wait_for_shopify(error, self._runtime.clock())
            await self._results.postpone(deliveries, decision, wakings)
            return None
        asked = needed - read.refused.keys()
        if len(read.customers) < len(asked):
            await self._doubted.read(asked, read.customers)
        refused = [d for d in deliveries if d.customer_id in read.refused and not d.kind.removes]
        for delivery in refused:
            await self.cannot_be_read(delivery, read.refused[delivery.customer_id])
        return [(d, read.customers.get(d.customer_id)) for d in deliveries if d not in refused]

    async def cannot_be_read(self, delivery: Delivery, error: UpstreamError) -> None:
        """Shopify answers for other customers but not for this one: a person has to look."""
        if delivery.id not in self.busy:
            text = f"the customer cannot be read from Shopify ({error})"
            await self._results.end(delivery, Outcome.FAILED, error.error_class, text, error.reason)

    async def again(
        self,
        delivery: Delivery,
        customer: Customer | None,
        *,
        person: bool = False,
        named: bool = False,
    ) -> Delivery | None:
        """Tries a stored delivery; None if another attempt is running, or the customer changed
        since they were read. `customer` None: gone.

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
        if not delivery.urgent and await self._preparation.is_kept_back(delivery, customer):
            return delivery
        if customer is None and not delivery.kind.removes:
            return await self._gone(delivery)
        if self.is_too_late(delivery) and not named:
            text = "older than EMAIL_MAX_AGE; replay it by id to send it nevertheless"
            return await self._results.end(delivery, Outcome.FAILED, ErrorClass.TOO_LATE, text)
        circuit, wakings = self.routes[delivery.channel].circuit, self._results.wakings
        state = await circuit.admit(person=person)
        if state is CircuitState.OPEN:
            await self._results.postpone([delivery], self._attempts.paused(circuit), wakings)
            waiting = await self._db.read(lambda db: outbox.get(db, delivery.id))
            return waiting if waiting and waiting.outcome.is_open else None
        claimed = None
        try:
            now, seen = self._runtime.clock(), delivery.version  # before the customer was read
            claimed = await self._db.write(
                lambda db: outbox.claim(db, delivery.id, now, seen), (delivery.customer_id,)
            )
        finally:
            if claimed is None:
                circuit.abandon()
        if claimed is None:
            return None
        token = lane.set(Lane.BACKLOG)
        try:
            with on_behalf_of(claimed.request_id):
                result = await self._attempts.make(claimed, customer, fresh=False)
        finally:
            lane.reset(token)
        settled = await self._results.settle([result])
        return settled[0].delivery if settled else None

    async def _gone(self, delivery: Delivery) -> Delivery | None:
        """Given up; but kept if too many customers are gone at once to be believed."""
        customer_id, now = delivery.customer_id, self._runtime.clock()
        wakings = self._results.wakings
        if not await self._db.write(lambda db: removals.begin(db, customer_id, "gone", now)):
            await self._results.postpone([delivery], wait_for_a_person(now), wakings)
            return delivery
        return await self._results.end(delivery, Outcome.DISCARDED, None, erasure.GONE)

    async def wake(self, waiting: Waiting, channel: str | None = None) -> None:
        """What deliveries waited for is there: they are due at once."""
        await self._results.wake(waiting, channel)
