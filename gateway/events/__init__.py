"""What comes from outside after sign-up: webhooks, proven, kept as ids, and worked off."""

from gateway.events.arrivals import Newcomers
from gateway.events.customers import Customers
from gateway.events.members import Members
from gateway.events.receiving import (
    SUBSCRIBED,
    MalformedError,
    is_shopifys,
    is_smaregis,
    shopify_event,
    smaregi_event,
)
from gateway.events.worker import Events
from gateway.store.events import NewEvent

__all__ = [
    "SUBSCRIBED",
    "Customers",
    "Events",
    "MalformedError",
    "Members",
    "NewEvent",
    "Newcomers",
    "is_shopifys",
    "is_smaregis",
    "shopify_event",
    "smaregi_event",
]
