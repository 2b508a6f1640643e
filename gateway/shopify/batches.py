"""Customers by id, some at a time."""

from collections.abc import Iterable
from typing import Any

from gateway.customer import Customer, gid
from gateway.shopify import documents
from gateway.shopify.client import GraphQL
from gateway.shopify.pages import PageSize
from gateway.shopify.reading import customer_of, unexpected

__all__ = ["MOST", "Batches"]

MOST = 50
"""Customers in a query: some 100 points."""


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

    async def _some(self, ids: list[str]) -> tuple[list[Any], list[str]]:
        """The nodes of the first of them, and what is left to be read."""

        async def ask(size: int) -> tuple[list[Any], list[str]]:
            data = await self._graphql.run(documents.READ_MANY, {"ids": ids[:size]})
            nodes = data.get("nodes")
            if not isinstance(nodes, list):
                raise unexpected("the answer holds no nodes", documents.READ_MANY)
            return nodes, ids[size:]

        return await self._size.ask(MOST, ask)
