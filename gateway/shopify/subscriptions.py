"""Webhook subscriptions of the app: which are there, and making those that are missing.

Only the app's own are listed and made by the API, and never the privacy topics: those are set in
the app's configuration. What is there under another address is left alone: Shopify itself deletes
a subscription that nobody answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gateway import frozen
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents
from gateway.shopify.client import GraphQL
from gateway.shopify.reading import payload_of, unexpected

__all__ = ["Subscribed", "Subscriptions"]

_FIELDS: Mapping[str, list[str]] = {
    **{f"ORDERS_{each}": ["id"] for each in ("CREATE", "PAID", "CANCELLED", "FULFILLED")},
    "ORDERS_EDITED": ["order_edit"],
    "REFUNDS_CREATE": ["id", "order_id"],
}
"""Only the id of an order is sent: a whole order may be large, and we do not need its data."""
_MORE = 250
"""Subscriptions that one answer holds: no app has more for these few topics."""


@frozen
class Subscribed:
    """`topic` as the API names it. `detail` says why it failed, or whoever else gets it."""

    topic: str
    state: Literal["there", "made", "missing", "failed"]
    detail: str = ""


class Subscriptions:
    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    async def look(self, address: str, topics: Sequence[str]) -> list[Subscribed]:
        """`there` or `missing`, each topic. Raises UpstreamError."""
        variables = {"topics": list(topics), "first": _MORE}
        data = await self._graphql.run(documents.SUBSCRIPTIONS, variables)
        try:
            nodes = data["webhookSubscriptions"]["nodes"]
            found = [(str(node["topic"]), str(node["uri"])) for node in nodes]
        except (KeyError, TypeError):
            text = "the answer is not a list of subscriptions"
            raise unexpected(text, documents.SUBSCRIPTIONS) from None
        return [_seen(topic, address, found) for topic in topics]

    async def install(self, address: str, topics: Sequence[str]) -> list[Subscribed]:
        """Makes the missing ones; one that fails does not stop the others. Raises UpstreamError."""
        looked = await self.look(address, topics)
        return [
            await self._make(each.topic, address) if each.state == "missing" else each
            for each in looked
        ]

    async def _make(self, topic: str, address: str) -> Subscribed:
        fields = {"includeFields": _FIELDS[topic]} if topic in _FIELDS else {}
        wanted = {"topic": topic, "subscription": {"uri": address, "format": "JSON", **fields}}
        try:
            data = await self._graphql.run(documents.SUBSCRIBE, wanted)
            errors = payload_of(data, documents.SUBSCRIBE).get("userErrors") or []
        except UpstreamError as error:
            return Subscribed(topic, "failed", _words(topic, error))
        if errors:
            return Subscribed(topic, "failed", "; ".join(map(_message, errors)))
        return Subscribed(topic, "made")


def _seen(topic: str, address: str, found: Sequence[tuple[str, str]]) -> Subscribed:
    others = sorted(uri for name, uri in found if name == topic and uri != address)
    detail = f"also sent to {', '.join(others)}" if others else ""
    return Subscribed(topic, "there" if (topic, address) in found else "missing", detail)


def _message(error: Mapping[str, Any]) -> str:
    return str(error.get("message") or "refused")


def _words(topic: str, error: UpstreamError) -> str:
    if error.error_class is ErrorClass.AUTH:
        if topic in _FIELDS:
            return f"{error}; the scope is read_orders"
        scopes = "read_customers, and read_customer_merge for customers/merge"
        return f"{error}; the scopes are {scopes}"
    return str(error)
