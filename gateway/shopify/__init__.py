"""The customer master: its failure fails the request, so it is not a channel."""

from typing import TYPE_CHECKING

from gateway import at_first_use

if TYPE_CHECKING:
    from gateway.shopify.batches import Read
    from gateway.shopify.client import GraphQL
    from gateway.shopify.discounts import CodeRefused, CodeSeen, DiscountCodes, NewCode
    from gateway.shopify.master import Shopify
    from gateway.shopify.orders import Orders, ShopOrder, ShopOrderLine
    from gateway.shopify.results import (
        Accepted,
        AlreadyRegistered,
        Changed,
        EmailTaken,
        Missing,
        Refused,
    )
    from gateway.shopify.roll import Created, ListedPage, Roll
    from gateway.shopify.shown import customer_fields, differing, profile_fields
    from gateway.shopify.subscriptions import Subscribed, Subscriptions

__all__ = [
    "Accepted",
    "AlreadyRegistered",
    "Changed",
    "CodeRefused",
    "CodeSeen",
    "Created",
    "DiscountCodes",
    "EmailTaken",
    "GraphQL",
    "ListedPage",
    "Missing",
    "NewCode",
    "Orders",
    "Read",
    "Refused",
    "Roll",
    "ShopOrder",
    "ShopOrderLine",
    "Shopify",
    "Subscribed",
    "Subscriptions",
    "customer_fields",
    "differing",
    "profile_fields",
]

__getattr__ = at_first_use(
    __name__,
    {
        "batches": "Read",
        "client": "GraphQL",
        "discounts": "CodeRefused CodeSeen DiscountCodes NewCode",
        "master": "Shopify",
        "orders": "Orders ShopOrder ShopOrderLine",
        "results": "Accepted AlreadyRegistered Changed EmailTaken Missing Refused",
        "roll": "Created ListedPage Roll",
        "shown": "customer_fields differing profile_fields",
        "subscriptions": "Subscribed Subscriptions",
    },
)
