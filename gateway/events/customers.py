"""Shopify's events about customers: each only says whom to look at; what Shopify has now counts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from gateway.customer import Customer
from gateway.events.receiving import DATA_REQUEST
from gateway.events.worker import Job
from gateway.shopify import Shopify
from gateway.store.events import Event

__all__ = ["Customers"]


class Arrivals(Protocol):
    """Customers whom the gateway may not know yet."""

    async def is_known(self, customer: Customer) -> bool: ...

    async def welcome(self, customer: Customer) -> None: ...


class Customers:
    """`notice(text)` tells administrators something that is no failure."""

    rest = 0.0

    def __init__(
        self, shopify: Shopify, arrivals: Arrivals, *, notice: Callable[[str], None]
    ) -> None:
        self._shopify = shopify
        self._arrivals = arrivals
        self._notice = notice

    async def jobs(self, found: Sequence[Event]) -> Sequence[Sequence[Job]]:
        """One piece a customer; all customers are read at once."""
        waiting: dict[int | None, list[Event]] = {}
        for event in found:
            waiting.setdefault(event.customer_id, []).append(event)
        customers = await self._shopify.read(i for i in waiting if i is not None)
        return [[Job(each, self._piece(i, each, customers)) for i, each in waiting.items()]]

    def _piece(
        self, customer_id: int | None, found: Sequence[Event], customers: Mapping[int, Customer]
    ) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            if any(event.topic == DATA_REQUEST for event in found):
                self._notice(_DATA_REQUEST.format(customer_id))
            customer = customers.get(customer_id or 0)
            if customer is not None:
                await self._present(customer)

        return work

    async def _present(self, customer: Customer) -> None:
        if not await self._arrivals.is_known(customer):
            await self._arrivals.welcome(customer)


_DATA_REQUEST = (
    "Shopify passes on a customer's request for their data (customer {}). The gateway holds ids "
    "and outcomes only; the data itself is in Shopify, Smaregi and the CRM. Answer within 30 days."
)
