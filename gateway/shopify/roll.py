"""The roll of all customers: read page by page, and counted.

Without a period Shopify answers from its records; with one its search index does, which lags
seconds behind. A field that a search does not know is ignored with a warning in `extensions`, so
what is outside the period is left out here as well.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway import frozen
from gateway.customer import Customer, numeric_id
from gateway.shopify import documents
from gateway.shopify.client import GraphQL
from gateway.shopify.documents import Document
from gateway.shopify.pages import PageSize
from gateway.shopify.reading import customer_of, unexpected

__all__ = ["PAGE", "Created", "ListedPage", "Roll"]

PAGE = 100
"""Customers a page: some 120 points, an eighth of what a single query may cost, and what the
smallest bucket gets back in a second or two."""
_NEWEST = 20


@frozen
class Created:
    """When customers were made in Shopify: from `since` to `until`, both included; Unix seconds."""

    since: float | None = None
    until: float | None = None

    def query(self, field: str) -> str | None:
        """In Shopify's search syntax; None for everybody. Shopify's times have whole seconds."""
        terms = [
            f"{field}:{operator}'{_iso(at)}'"
            for operator, at in ((">=", self.since), ("<=", self.until))
            if at is not None
        ]
        return " ".join(terms) or None

    def holds(self, at: float) -> bool:
        return (self.since is None or at >= int(self.since)) and (
            self.until is None or at <= self.until
        )


@frozen
class ListedPage:
    """A page: who is in it, how many Shopify listed, and where the next begins (None: the last)."""

    customers: tuple[Customer, ...]
    listed: int
    after: str | None


@frozen
class ChangedPage:
    """Customers with the time of their last change (Unix seconds); `after` as of a `ListedPage`."""

    customers: tuple[tuple[Customer, float], ...]
    after: str | None


class Roll:
    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._size = PageSize("customers")

    async def _asked(
        self, document: Document, after: str | None, query: str | None
    ) -> dict[str, Any]:
        return await self._size.ask(
            PAGE,
            lambda size: self._graphql.run(
                document, {"first": size, "after": after, "query": query}
            ),
        )

    async def page(self, created: Created, after: str | None) -> ListedPage:
        """The page behind the cursor `after`, by rising id. Raises UpstreamError."""
        # The same moment has two names: `customers` knows it as `customer_date` only.
        query = created.query("customer_date")
        data = await self._asked(documents.ROLL, after, query)
        try:
            return _read(data["customers"], created)
        except (KeyError, TypeError, ValueError):
            raise unexpected("the answer is not a page of customers", documents.ROLL) from None

    async def changed(self, since: float, after: str | None) -> ChangedPage:
        """Customers changed at `since` (Unix seconds) or later, the oldest change first."""
        data = await self._asked(documents.CHANGED, after, f"updated_at:>='{_iso(since)}'")
        try:
            nodes, info = data["customers"]["nodes"], data["customers"]["pageInfo"]
            seen = [
                (customer_of(node, documents.CHANGED), _seconds(node["updatedAt"]))
                for node in nodes
            ]
            behind = str(info["endCursor"]) if info["hasNextPage"] else None
        except (KeyError, TypeError, ValueError):
            raise unexpected("the answer is not a page of customers", documents.CHANGED) from None
        return ChangedPage(tuple(seen), behind)

    async def newest(self) -> list[tuple[int, str]]:
        """(customer id, its registration id or '') of those who were made last. Raises
        UpstreamError.
        """
        data = await self._graphql.run(documents.NEWEST, {"first": _NEWEST})
        try:
            nodes = data["customers"]["nodes"]
            return [
                (numeric_id(node["id"]), str((node["registration"] or {}).get("value") or ""))
                for node in nodes
            ]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise unexpected("the answer is not a page of customers", documents.NEWEST) from None

    async def count(self, created: Created) -> int | None:
        """How many there are; None where Shopify does not say. Raises UpstreamError."""
        data = await self._graphql.run(documents.COUNT, {"query": created.query("created_at")})
        count = (data.get("customersCount") or {}).get("count")
        return count if isinstance(count, int) else None


def _read(connection: Mapping[str, Any], created: Created) -> ListedPage:
    nodes, info = connection["nodes"], connection["pageInfo"]
    inside = [
        customer_of(node, documents.ROLL)
        for node in nodes
        if created.holds(_seconds(node["createdAt"]))
    ]
    after = str(info["endCursor"]) if info["hasNextPage"] else None
    return ListedPage(tuple(inside), len(nodes), after)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
