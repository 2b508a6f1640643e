"""Replay: a person sends stored deliveries again, now. The progress is a stream of events.

It makes the same attempts as the worker, under the same limits. A run takes each delivery at most
once: it passes over whatever was attempted since it began. So a run that moves to another owner of
the database continues where it was.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import field, replace
from functools import partial
from typing import Any

from gateway import frozen
from gateway.background import Background
from gateway.customer import Customer
from gateway.delivery.deliverer import Deliverer
from gateway.errors import ErrorClass
from gateway.outcomes import REPLAYABLE, Delivery, DeliveryFilter, Outcome
from gateway.store import Engine, outbox, search
from gateway.wire import Lane, lane

__all__ = ["Replay", "ReplayOptions"]

PAGE = 50


@frozen
class ReplayOptions:
    """`rate` attempts a second (None: the upstreams' limits).

    `began` continues an earlier run: the id of the last attempt before it. `recreate`: create a
    record again that is gone from its system.
    """

    chosen: DeliveryFilter = field(default_factory=DeliveryFilter)
    limit: int | None = None
    rate: float | None = None
    concurrency: int = 8
    dry_run: bool = False
    recreate: bool = False
    began: int | None = None


class Replay:
    def __init__(self, db: Engine, deliverer: Deliverer, background: Background) -> None:
        self._db = db
        self._deliverer = deliverer
        self._background = background

    async def run(
        self, options: ReplayOptions, stop: asyncio.Event | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Events: `start` (total, began), `delivery` (id, channel, outcome, …), `end` (counts).

        Once `stop` is set nothing more is begun. Running attempts end, and then the stream ends
        without `end`.
        """
        stop = stop or asyncio.Event()
        began = options.began
        if began is None:
            began = await self._db.read(outbox.last_attempt)
        chosen = self._narrowed(options.chosen)
        total = await search.count(self._db, chosen) if chosen else 0
        total = total if options.limit is None else min(total, options.limit)
        yield {"event": "start", "total": total, "began": began, "dry_run": options.dry_run}
        counts: Counter[str] = Counter()
        if chosen is not None:
            async for event in self._events(chosen, options, began, stop):
                counts[event["result"]] += 1
                yield event
        if stop.is_set():
            return
        yield {"event": "end", "counts": dict(counts)}

    def _narrowed(self, chosen: DeliveryFilter) -> DeliveryFilter | None:
        """Narrowed to the outcomes that a replay takes; None if none is left."""
        wanted = chosen.outcomes or tuple(REPLAYABLE)
        outcomes = tuple(outcome for outcome in wanted if outcome in REPLAYABLE)
        return replace(chosen, outcomes=outcomes) if outcomes else None

    async def _events(
        self, chosen: DeliveryFilter, options: ReplayOptions, began: int, stop: asyncio.Event
    ) -> AsyncIterator[dict[str, Any]]:
        lane.set(Lane.BACKLOG)
        after, left = 0, options.limit
        pace = _Pace(options.rate)
        while (left is None or left > 0) and not stop.is_set():
            size = PAGE if left is None else min(PAGE, left)
            page = await search.find(
                self._db,
                chosen,
                limit=size,
                after=after,
                oldest_first=True,
                untouched_since=began,
            )
            if not page:
                return
            after = page[-1].id
            left = None if left is None else left - len(page)
            async for event in self._page(page, options, pace, stop):
                yield event

    async def _page(
        self, page: list[Delivery], options: ReplayOptions, pace: "_Pace", stop: asyncio.Event
    ) -> AsyncIterator[dict[str, Any]]:
        going = []
        for delivery in page:
            would = self._would(delivery, options)
            if would == "would_send" and not options.dry_run:
                going.append(delivery)
            else:
                yield _event(delivery, would)
        if not going:
            return
        if options.recreate:
            await self._db.write(partial(outbox.recreate, ids=[each.id for each in going]))
        found = await self._deliverer.with_customers(going)
        if found is None:
            for delivery in going:
                yield _event(delivery, "waiting")
            return
        readable = {delivery.id for delivery, _ in found}
        for delivery in going:
            if delivery.id not in readable:
                yield _event(delivery, str(Outcome.FAILED))
        async for event in self._attempts(found, options, pace, stop):
            yield event

    async def _attempts(
        self,
        going: list[tuple[Delivery, Customer | None]],
        options: ReplayOptions,
        pace: "_Pace",
        stop: asyncio.Event,
    ) -> AsyncIterator[dict[str, Any]]:
        """Each event as its attempt ends. If the listener stops, the rest is not tried."""
        slots = asyncio.Semaphore(max(1, options.concurrency))

        async def one(delivery: Delivery, customer: Customer | None) -> dict[str, Any] | None:
            async with slots:
                await pace.wait()
                if stop.is_set():
                    return None
                attempt = self._deliverer.again(
                    delivery,
                    customer,
                    person=True,
                    named=options.chosen.names_too_late,
                )
                task = self._background.keep(attempt, f"replay of delivery {delivery.id}")
                after = await asyncio.shield(task)
            if after is None:
                return _event(delivery, "busy")
            return _event(after, "left" if after == delivery else str(after.outcome))

        tasks = [asyncio.create_task(one(*each)) for each in going]
        try:
            for done in asyncio.as_completed(tasks):
                event = await done
                if event is not None:
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _would(self, delivery: Delivery, options: ReplayOptions) -> str:
        """What would happen: `too_late` mails go only if named, others only if the flag is on."""
        late = delivery.error_class is ErrorClass.TOO_LATE or self._deliverer.is_too_late(delivery)
        if late and not options.chosen.names_too_late:
            return "too_late"
        return "would_send" if self._deliverer.may_go(delivery) else "left"


class _Pace:
    """At most `rate` a second, evenly."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        turn = max(self._next, now)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)


def _event(delivery: Delivery, result: str) -> dict[str, Any]:
    return {
        "event": "delivery",
        "result": result,
        "id": delivery.id,
        "shopify_customer_id": f"gid://shopify/Customer/{delivery.customer_id}",
        "channel": delivery.channel,
        "outcome": delivery.outcome,
        "error_class": delivery.error_class,
    }
