"""Sends one channel's backlog, with as many attempts at a time as the window allows, however long a
single attempt takes.

While attempts run, the next customers are read from Shopify in a batch, so that neither waits for
the other. The rate is limited by `gateway.wire.limits`; the width of the window is the circuit's,
and rises from one after a recovery.
"""

from collections.abc import Awaitable, Callable, Sequence

from gateway.background import Background
from gateway.customer import Customer
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.pump import Pump
from gateway.delivery.route import Route
from gateway.outcomes import Delivery

__all__ = ["Drain", "KeepBack"]

BATCH = 50
"""Customers read in one call: each costs about one of Shopify's cost points."""

Due = Callable[[int, set[int]], Awaitable[list[Delivery]]]
"""`(limit, ids to pass over)` -> the deliveries that are due."""
KeepBack = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Keeps deliveries back until their flag or they themselves change."""

_Item = tuple[Delivery, Customer | None]


class Drain:
    """One run. `keeping()` is called before flags decide; its result marks what they keep back."""

    def __init__(
        self,
        route: Route,
        deliverer: Deliverer,
        background: Background,
        *,
        due: Due,
        keeping: Callable[[], KeepBack],
    ) -> None:
        self._circuit = route.circuit
        self._deliverer = deliverer
        self._due = due
        self._keeping = keeping
        self._pump: Pump[_Item, None] = Pump(self, background, f"backlog of {route.spec.name}")

    async def run(self) -> bool:
        """Runs until nothing is due, or nothing may go. Returns whether anything was tried."""
        return await self._pump.run()

    def room(self) -> int:
        """An open circuit lets one through, as a probe, when its time has come."""
        if self._circuit.cause is None:
            return self._circuit.window
        if self._circuit.remaining() > 0:
            self._pump.drop()  # nothing was claimed yet, so all stays as it is
            return 0
        return 1

    async def work(self, item: _Item) -> None:
        delivery, customer = item
        keep_back = self._keeping()
        after = await self._deliverer.again(delivery, customer)
        if after == delivery:
            await keep_back([delivery])

    async def read(
        self, waiting: Sequence[_Item], running: Sequence[_Item]
    ) -> Sequence[_Item] | None:
        passed = {delivery.id for delivery, _ in (*waiting, *running)}
        limit = BATCH if self._circuit.cause is None else 1
        while due := await self._due(limit, passed):
            found = await self._deliverer.with_customers(due)
            if found is None or found:
                return found
        return None

    def ended(self, item: _Item, result: None) -> None:
        """The attempt has stored its outcome itself."""
