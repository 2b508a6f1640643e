"""Customers by id, some at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.customer import Customer, gid
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents
from gateway.shopify.client import GraphQL, TooDear
from gateway.shopify.pages import PageSize
from gateway.shopify.reading import customer_of, unexpected

__all__ = ["MOST", "Batches", "Read"]

MOST = 50
"""Customers in a query: some 100 points."""


@dataclass(slots=True)
class Read:
    """The customers that Shopify has, and those for whom alone it gives an error.

    Whoever is in neither is gone from Shopify.
    """

    customers: dict[int, Customer] = field(default_factory=dict)
    refused: dict[int, UpstreamError] = field(default_factory=dict)


class Batches:
    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._size = PageSize("customers by id")

    async def read(self, customer_ids: Iterable[int]) -> dict[int, Customer]:
        """Afresh; those that Shopify no longer has are left out. Raises UpstreamError."""
        left = [gid(customer_id) for customer_id in dict.fromkeys(customer_ids)]
        found: dict[int, Customer] = {}
        while left:
            nodes, left = await self._some(left)
            customers = [customer_of(node, documents.READ_MANY) for node in nodes if node]
            found |= {customer.id: customer for customer in customers}
        return found

    async def read_each(self, customer_ids: Iterable[int]) -> Read:
        """As `read`, but a refused batch is split, so that one customer does not stop the others.

        Raises UpstreamError if Shopify as a whole is in trouble: then no customer is the cause.
        """
        left, read = [list(dict.fromkeys(customer_ids))], Read()
        is_well = False
        while left:
            some = left.pop()
            try:
                read.customers |= await self.read(some)
            except UpstreamError as error:
                if not _may_be_of_one(error):
                    raise
                if not is_well:
                    await self._graphql.run(documents.READ_MANY, {"ids": []})
                    is_well = True
                if len(some) == 1:
                    read.refused[some[0]] = _of_this_one(error)
                left += [half for half in _halves(some) if half]
        if len(read.refused) > 1 and not read.customers:
            raise next(iter(read.refused.values()))
        return read

    async def _some(self, ids: list[str]) -> tuple[list[Any], list[str]]:
        """The nodes of the first of them, and what is left to be read."""

        async def ask(size: int) -> tuple[list[Any], list[str]]:
            data = await self._graphql.run(documents.READ_MANY, {"ids": ids[:size]})
            nodes = data.get("nodes")
            if not isinstance(nodes, list):
                raise unexpected("the answer holds no nodes", documents.READ_MANY)
            return nodes, ids[size:]

        return await self._size.ask(MOST, ask)


def _may_be_of_one(error: UpstreamError) -> bool:
    """Whether Shopify answered with an error that a single customer may cause."""
    if isinstance(error, TooDear):
        return False
    broken = error.error_class is ErrorClass.UNAVAILABLE and error.status in {200, 500}
    return broken or error.error_class in {ErrorClass.UNEXPECTED, ErrorClass.INVALID_DATA}


def _of_this_one(error: UpstreamError) -> UpstreamError:
    """An error that is Shopify's own would pass by itself; one about a single customer says nothing
    of that.
    """
    text = f"not for this customer, while others are given: {error}"
    return UpstreamError(
        error.system, error.operation, ErrorClass.UNEXPECTED, text, status=error.status
    )


def _halves(ids: list[int]) -> tuple[list[int], list[int]]:
    """Nothing, of one alone."""
    middle = len(ids) // 2
    return (ids[:middle], ids[middle:]) if middle else ([], [])
