"""Sends one channel's backlog, with as many attempts at a time as the window allows, however long a
single attempt takes.

While attempts run, the next customers are read from Shopify in a batch, so that neither waits for
the other. The rate is limited by `gateway.wire.limits`; the width of the window is the gate's, and
rises from one after a recovery.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.customer import Customer
from gateway.delivery.attempt import Route
from gateway.delivery.deliverer import Deliverer
from gateway.outcomes import Delivery

__all__ = ["Drain", "KeepBack"]

BATCH = 50
"""Customers read in one call: each costs about one of Shopify's cost points."""

Due = Callable[[int, set[int]], Awaitable[list[Delivery]]]
"""`(limit, ids to pass over)` -> the deliveries that are due."""
KeepBack = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Keeps deliveries back until their flag or they themselves change."""


class Drain:
    """One run. `keeping()` is called before flags decide; its result marks what they keep back."""

    def __init__(
        self, route: Route, deliverer: Deliverer, due: Due, keeping: Callable[[], KeepBack]
    ) -> None:
        self._circuit = route.circuit
        self._deliverer = deliverer
        self._due = due
        self._keeping = keeping
        self._ready: deque[tuple[Delivery, Customer | None]] = deque()
        self._running: dict[asyncio.Task[Any], int] = {}
        self._reading: asyncio.Task[list[tuple[Delivery, Customer | None]]] | None = None
        self._exhausted = False

    async def run(self) -> bool:
        """Runs until nothing is due, or nothing may go. Returns whether anything was tried."""
        tried = False
        try:
            while True:
                tried = self._fill_window() or tried
                self._read_ahead()
                waits = {*self._running, *({self._reading} if self._reading else ())}
                if not waits:
                    return tried
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                self._collect()
        finally:
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)

    def _is_open(self) -> bool:
        return self._circuit.cause is not None and self._circuit.remaining() > 0

    def _window(self) -> int:
        """Fills the window. A shut gate lets one attempt through, as a probe."""
        return self._circuit.window if self._circuit.cause is None else 1

    def _fill_window(self) -> bool:
        if self._is_open():
            self._ready.clear()  # none of these was claimed: they stay as they are
            self._exhausted = True
        started = False
        while self._ready and len(self._running) < self._window():
            delivery, customer = self._ready.popleft()
            attempt = self._deliverer.keep(self._try(delivery, customer))
            self._running[attempt] = delivery.id
            started = True
        return started

    async def _try(self, delivery: Delivery, customer: Customer | None) -> None:
        keep_back = self._keeping()
        after = await self._deliverer.again(delivery, customer)
        if after == delivery:
            await keep_back([delivery])

    def _read_ahead(self) -> None:
        if self._reading is None and not self._exhausted and len(self._ready) < self._window():
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> list[tuple[Delivery, Customer | None]]:
        passed = {delivery.id for delivery, _ in self._ready} | set(self._running.values())
        limit = BATCH if self._circuit.cause is None else 1
        while due := await self._due(limit, passed):
            found = await self._deliverer.with_customers(due)
            if found is None or found:
                return found or []
        return []

    def _collect(self) -> None:
        """Raises what an attempt or the reading raised; a StorageError comes first."""
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            page = reading.result()
            self._exhausted = not page
            self._ready.extend(page)
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()
