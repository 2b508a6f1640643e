"""Sends what a run has opened: the channel's window is kept full while the next page is read.

If the channel is paused, the member index does not exist yet, or Shopify does not answer, the run
waits, and a single attempt finds out whether it can continue. A delivery that fails for a reason of
its own is settled and counted; the worker, or a replay, tries it again.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from gateway.customer import Customer
from gateway.delivery import Deliverer, Route
from gateway.errors import ErrorClass, GatewayError, UpstreamError
from gateway.outcomes import Delivery, Outcome, Waiting

__all__ = ["GaveUpError", "Item", "Sending"]

PATIENCE = 600.0
"""Seconds without any success after which a run ends; the next run continues where it was."""
FRESH = 60.0
"""Seconds for which a customer counts as just read."""
PAUSES = {Waiting.INDEX: 2.0, Waiting.SHOPIFY: 10.0}
"""Seconds until the next try, by what is waited for; a channel's gate has its own pauses."""
WORKER_AT_IT = 0.1
"""Seconds between two looks at a delivery that somebody else is trying."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
_AGAIN = "Run the same command again: it goes on where it was."


class GaveUpError(GatewayError):
    """The run ends early; the text says why, and how to continue."""


@dataclass(frozen=True, slots=True)
class Item:
    """An open delivery, its customer (None: gone), and when the customer was read (loop's time)."""

    delivery: Delivery
    customer: Customer | None
    read_at: float


More = Callable[[], Coroutine[Any, Any, list[Item] | None]]
"""The next deliveries to send, opened already; None after the last. Raises UpstreamError."""


class Sending:
    """`look(id)` reads a delivery; `heard()` is called after each step, `wait(text)` at a pause."""

    def __init__(
        self,
        route: Route,
        deliverer: Deliverer,
        *,
        more: More,
        look: Callable[[int], Awaitable[Delivery | None]],
        heard: Callable[[], None],
        wait: Callable[[str], None],
        stop: asyncio.Event,
    ) -> None:
        self._circuit = route.circuit
        self._deliverer = deliverer
        self._more = more
        self._look = look
        self._heard = heard
        self._told_to_wait = wait
        self._stop = stop
        self._clock = asyncio.get_running_loop().time
        self._ready: deque[Item] = deque()
        self._running: dict[asyncio.Task[Delivery], Item] = {}
        self._reading: asyncio.Task[list[Item] | None] | None = None
        self._dry = False
        self._again_at = 0.0
        self._stuck_since: float | None = None
        self.counts: Counter[str] = Counter()

    @property
    def unsettled(self) -> int:
        return len(self._ready) + len(self._running)

    async def run(self) -> None:
        """Runs until all is settled, or `stop` is set and the running attempts have ended.

        Raises GaveUpError, and what the database raises.
        """
        stopped = asyncio.create_task(self._stop.wait())
        try:
            while not self._is_done():
                self._start_attempts()
                self._read_ahead()
                await self._something_ends(stopped)
                self._collect()
                self._heard()
        except GaveUpError:
            await self._let_end()
            raise
        finally:
            for task in (stopped, *([self._reading] if self._reading else ())):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _let_end(self) -> None:
        """Ends the run: nothing more is begun, and running attempts are counted."""
        for task, item in self._running.items():
            self._count(item, await task)
        self._running.clear()

    def _is_done(self) -> bool:
        if self._running:
            return False
        return self._stop.is_set() or (self._dry and not self._ready and not self._reading)

    def _start_attempts(self) -> None:
        if self._stop.is_set() or not self._ready or self._clock() < self._again_at:
            return
        probing = self._stuck_since is not None or self._circuit.cause is not None
        window = 1 if probing else self._circuit.window
        while self._ready and len(self._running) < window:
            item = self._ready.popleft()
            self._running[self._deliverer.keep(self._try(item))] = item

    def _read_ahead(self) -> None:
        few = len(self._ready) < self._circuit.window
        idle = self._reading is None and not self._dry and not self._stop.is_set()
        if idle and few and self._clock() >= self._again_at:
            self._reading = asyncio.create_task(self._more())

    async def _something_ends(self, stopped: "asyncio.Task[bool]") -> None:
        waits: set[asyncio.Task[Any]] = {*self._running}
        timeout = None
        if not self._stop.is_set():
            waits |= {stopped, *([self._reading] if self._reading else ())}
            pause = self._again_at - self._clock()
            timeout = pause if pause > 0 else None
        if waits:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def _try(self, item: Item) -> Delivery:
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
            after = await self._look(item.delivery.id)
            if after is None or after.outcome is not Outcome.PENDING:
                return after or item.delivery
            await asyncio.sleep(WORKER_AT_IT)
        return after

    def _collect(self) -> None:
        """Raises what an attempt or the reading raised; a StorageError comes first."""
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            self._read(reading)
        for task in [task for task in self._running if task.done()]:
            item = self._running.pop(task)
            self._ended(item, task.result())

    def _read(self, reading: "asyncio.Task[list[Item] | None]") -> None:
        try:
            items = reading.result()
        except UpstreamError as error:
            if error.error_class is ErrorClass.AUTH:
                raise GaveUpError(f"Shopify refuses us ({error}). {_AGAIN}") from None
            self._wait(
                f"Shopify cannot be read ({error.error_class})",
                error.retry_after or PAUSES[Waiting.SHOPIFY],
            )
            return
        self._stuck_since = None
        if items is None:
            self._dry = True
        else:
            self._ready.extend(items)

    def _ended(self, item: Item, after: Delivery) -> None:
        shut = self._circuit.cause is not None
        if after.outcome is Outcome.RETRYING and (after.waiting is not None or shut):
            self._ready.append(item)
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
        """Not this delivery's fault: after a pause one attempt finds out whether to go on."""
        if self._circuit.cause is ErrorClass.AUTH:
            text = f"{self._circuit.channel} refuses our credentials: mend them. {_AGAIN}"
            raise GaveUpError(text)
        now = self._clock()
        if self._stuck_since is None:
            self._stuck_since = now
        if now - self._stuck_since > PATIENCE:
            raise GaveUpError(f"{why}; nothing went for {PATIENCE / 60:.0f} minutes. {_AGAIN}")
        self._again_at = max(self._again_at, now + max(SHORTEST_PAUSE, min(seconds, LONGEST_PAUSE)))
        self._told_to_wait(why)
