"""Webhooks: their sender is proven, their ids are stored, and then their work is done."""

from gateway.store.events import NewEvent
from gateway.sync.webhooks.customer_merges import CustomerMerges
from gateway.sync.webhooks.erasure import Erasure
from gateway.sync.webhooks.new_customers import NewCustomers
from gateway.sync.webhooks.removals import Removals
from gateway.sync.webhooks.shopify import CustomerEventParts, CustomerEvents
from gateway.sync.webhooks.smaregi import MemberEvents
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
from gateway.sync.webhooks.worker import EventWorker

__all__ = [
    "SUBSCRIBED",
    "CustomerEventParts",
    "CustomerEvents",
    "CustomerMerges",
    "Erasure",
    "EventWorker",
    "MalformedError",
    "MemberEvents",
    "NewCustomers",
    "NewEvent",
    "Removals",
    "could_be_shopifys",
    "is_of_concern",
    "is_shopifys",
    "is_smaregis",
    "shopify_event",
    "smaregi_event",
]
