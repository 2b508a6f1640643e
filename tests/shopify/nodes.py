"""Customers as Shopify answers them, and its answers around them."""

from collections.abc import Mapping
from typing import Any

__all__ = ["ID", "answered", "node", "throttled"]

ID = 7000000000001


def node(**fields: Any) -> dict[str, Any]:
    """`CustomerFields` of a customer; `metafields` are those of the namespace registration."""
    metafields: Mapping[str, str] = fields.pop("metafields", {})
    birth_date = fields.pop("birth_date", None)
    plain = {
        "id": f"gid://shopify/Customer/{ID}",
        "state": "DISABLED",
        "firstName": "太郎",
        "lastName": "山田",
        "locale": "ja",
        "defaultEmailAddress": {
            "emailAddress": "taro@example.com",
            "marketingState": "NOT_SUBSCRIBED",
        },
        "defaultPhoneNumber": None,
        "defaultAddress": None,
        "registration": {"nodes": [{"key": k, "value": v} for k, v in metafields.items()]},
        "birthDate": {"value": birth_date} if birth_date else None,
    }
    return plain | fields


def cost(requested: float, available: float, restore: float = 100.0) -> dict[str, Any]:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "throttleStatus": {
                "maximumAvailable": 2000.0,
                "currentlyAvailable": available,
                "restoreRate": restore,
            },
        }
    }


def answered(data: Any, *, requested: float = 10, available: float = 1900) -> dict[str, Any]:
    return {"data": data, "extensions": cost(requested, available)}


def throttled(requested: float, available: float, restore: float = 100.0) -> dict[str, Any]:
    return {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": cost(requested, available, restore),
    }
