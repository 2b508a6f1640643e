"""Webhooks: their sender is proven, their ids are stored, and then their work is done."""

from gateway.store.events import NewEvent
from gateway.sync.webhooks.customer_merges import Merging
from gateway.sync.webhooks.erasure import Leaving
from gateway.sync.webhooks.new_customers import Newcomers
from gateway.sync.webhooks.removals import Removals
from gateway.sync.webhooks.shopify import Customers, Hands
from gateway.sync.webhooks.smaregi import Members
from gateway.sync.webhooks.verification import (
    SUBSCRIBED,
    MalformedError,
    could_be_shopifys,
    is_of_concern,
    is_shopifys,
    is_smaregis,
    shopify_event,
    smaregi_event,
)
from gateway.sync.webhooks.worker import Events

__all__ = [
    "SUBSCRIBED",
    "Customers",
    "Events",
    "Hands",
    "Leaving",
    "MalformedError",
    "Members",
    "Merging",
    "NewEvent",
    "Newcomers",
    "Removals",
    "could_be_shopifys",
    "is_of_concern",
    "is_shopifys",
    "is_smaregis",
    "shopify_event",
    "smaregi_event",
]
