"""Sends what a run has opened: the channel's window is kept full while the next page is read.

If the channel is paused, the member index does not exist yet, or Shopify does not answer, the run
waits, and a single attempt finds out whether it can continue. A delivery that fails for a reason of
its own is settled and counted; the worker, or a replay, tries it again.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from gateway import frozen
from gateway.background import Background
from gateway.customer import Customer
from gateway.delivery import CircuitBreaker, Deliverer
from gateway.delivery.pump import Pump
from gateway.errors import ErrorClass, GatewayError, UpstreamError
from gateway.outcomes import Delivery, Outcome, Waiting
from gateway.store import Engine, outbox

__all__ = ["GaveUpError", "Item", "Sending"]

PATIENCE = 600.0
"""Seconds without any success after which a run ends; the next run continues where it was."""
FRESH = 60.0
"""Seconds for which a customer counts as just read."""
PAUSES = {Waiting.INDEX: 2.0, Waiting.SHOPIFY: 10.0}
"""Seconds until the next try, by what is waited for; a channel's circuit has its own pauses."""
WORKER_AT_IT = 0.1
"""Seconds between two looks at a delivery that somebody else is trying."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
_AGAIN = "Run the same command again: it goes on where it was."


class GaveUpError(GatewayError):
    """The run ends early; the text says why, and how to continue."""


@frozen
class Item:
    """An open delivery, its customer (None: gone), and when the customer was read (loop's time)."""

    delivery: Delivery
    customer: Customer | None
    read_at: float


class Pages(Protocol):
    async def more(self) -> list[Item] | None:
        """The next to be sent, opened already; None when there are no more. UpstreamError."""
        ...


class Report(Protocol):
    """What the listener hears: after each step, and at a pause."""

    def progress(self) -> None: ...

    def waiting(self, why: str) -> None: ...


class Sending:
    """One run; once `stop` is set nothing more is begun."""

    def __init__(
        self,
        db: Engine,
        circuit: CircuitBreaker,
        deliverer: Deliverer,
        pages: Pages,
        report: Report,
        stop: asyncio.Event,
        background: Background,
    ) -> None:
        self._db = db
        self._circuit = circuit
        self._deliverer = deliverer
        self._pages = pages
        self._report = report
        self._stop = stop
        self._clock = asyncio.get_running_loop().time
        self._pump: Pump[Item, Delivery] = Pump(self, background, f"backfill of {circuit.channel}")
        self._again_at = 0.0
        self._stuck_since: float | None = None
        self.counts: Counter[str] = Counter()

    @property
    def unsettled(self) -> int:
        return len(self._pump.ready) + len(self._pump.running)

    async def run(self) -> None:
        """Runs until all is settled, or `stop` is set and the running attempts have ended.

        Raises GaveUpError, and what the database raises.
        """
        stopped = asyncio.create_task(self._stop.wait())
        try:
            while not self._is_done():
                self._pump.start()
                self._pump.read_ahead()
                await self._something_ends(stopped)
                self._pump.collect()
                self._report.progress()
        except GaveUpError:
            await self._let_end()
            raise
        finally:
            stopped.cancel()
            await asyncio.gather(stopped, return_exceptions=True)
            await self._pump.close()

    async def _let_end(self) -> None:
        """Ends the run: nothing more is begun, and running attempts are counted."""
        for task, item in self._pump.running.items():
            self._count(item, await task)
        self._pump.running.clear()

    def _is_done(self) -> bool:
        if self._pump.running:
            return False
        return self._stop.is_set() or self._pump.is_drained

    async def _something_ends(self, stopped: "asyncio.Task[bool]") -> None:
        if self._stop.is_set():
            await self._pump.something_ends(reading=False)
            return
        pause = self._again_at - self._clock()
        await self._pump.something_ends(stopped, seconds=pause if pause > 0 else None)

    def room(self) -> int:
        """None during a pause or once the run is to stop; after a pause one, to see whether it can
        go on.
        """
        if self._stop.is_set() or self._clock() < self._again_at:
            return 0
        return 1 if self._stuck_since is not None or self._circuit.cause else self._circuit.window

    async def read(self, _: Sequence[Item], __: Sequence[Item]) -> list[Item] | None:
        try:
            items = await self._pages.more()
        except UpstreamError as error:
            self._cannot_read(error)
            return []
        self._stuck_since = None
        return items

    async def work(self, item: Item) -> Delivery:
        """The delivery after the attempt, or after somebody else's attempt."""
        customer = item.customer
        if self._clock() - item.read_at > FRESH:
            found = await self._deliverer.with_customers([item.delivery])
            if found is None:
                text = "Shopify cannot be read"
                return replace(
                    item.delivery,
                    outcome=Outcome.RETRYING,
                    waiting=Waiting.SHOPIFY,
                    message=text,
                )
            if not found:
                return replace(item.delivery, outcome=Outcome.FAILED)
            ((_, customer),) = found
        while (after := await self._deliverer.again(item.delivery, customer)) is None:
            # The worker has it, or has had it.
            after = await self._db.read(partial(outbox.get, delivery_id=item.delivery.id))
            if after is None or after.outcome is not Outcome.PENDING:
                return after or item.delivery
            await asyncio.sleep(WORKER_AT_IT)
        return after

    def _cannot_read(self, error: UpstreamError) -> None:
        if error.error_class is ErrorClass.AUTH:
            raise GaveUpError(f"Shopify refuses us ({error}). {_AGAIN}") from None
        pause = error.retry_after or PAUSES[Waiting.SHOPIFY]
        self._wait(f"Shopify cannot be read ({error.error_class})", pause)

    def ended(self, item: Item, after: Delivery) -> None:
        shut = self._circuit.cause is not None
        if after.outcome is Outcome.RETRYING and (after.waiting is not None or shut):
            self._pump.ready.append(item)
            pause = PAUSES.get(after.waiting) if after.waiting else None
            if pause is None:
                self._wait_for_circuit()
            else:
                self._wait(after.message or "", pause)
            return
        if not shut:
            self._stuck_since = None
        self._count(item, after)

    def _count(self, item: Item, after: Delivery) -> None:
        self.counts["left" if after == item.delivery else after.outcome.value] += 1

    def _wait_for_circuit(self) -> None:
        circuit = self._circuit
        self._wait(f"{circuit.channel} is paused ({circuit.cause})", circuit.remaining())

    def _wait(self, why: str, seconds: float) -> None:
        """The delivery is not to blame: after a pause one attempt finds out whether to go on."""
        if self._circuit.cause is ErrorClass.AUTH:
            text = f"{self._circuit.channel} refuses our credentials: mend them. {_AGAIN}"
            raise GaveUpError(text)
        now = self._clock()
        if self._stuck_since is None:
            self._stuck_since = now
        if now - self._stuck_since > PATIENCE:
            raise GaveUpError(f"{why}; nothing went for {PATIENCE / 60:.0f} minutes. {_AGAIN}")
        self._again_at = max(self._again_at, now + max(SHORTEST_PAUSE, min(seconds, LONGEST_PAUSE)))
        self._report.waiting(why)
