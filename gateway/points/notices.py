"""Webhooks about orders: each only says which order to read."""

from collections.abc import Mapping
from typing import Any

from gateway import frozen

__all__ = ["ORDER_TOPICS", "OrderNotice", "order_in"]

ORDER_TOPICS: Mapping[str, str] = {
    "ORDERS_CREATE": "orders/create",
    "ORDERS_PAID": "orders/paid",
    "ORDERS_CANCELLED": "orders/cancelled",
    "ORDERS_EDITED": "orders/edited",
    "ORDERS_FULFILLED": "orders/fulfilled",
    "REFUNDS_CREATE": "refunds/create",
}
"""`WebhookSubscriptionTopic` -> the header's word."""


@frozen
class OrderNotice:
    topic: str
    order_id: int


def order_in(topic: str, body: Mapping[str, Any]) -> Any:
    """The order's id as a webhook's body holds it; None where it holds none."""
    if topic == "refunds/create":
        return body.get("order_id")
    if topic == "orders/edited":
        edit = body.get("order_edit")
        return edit.get("order_id") if isinstance(edit, dict) else None
    return body.get("id")
