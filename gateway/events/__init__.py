"""What comes from outside after sign-up: webhooks, proven, kept as ids, and worked off."""

from gateway.events.arrivals import Newcomers
from gateway.events.customers import Customers, Hands
from gateway.events.leaving import Leaving
from gateway.events.members import Members
from gateway.events.merging import Merging
from gateway.events.receiving import (
    SUBSCRIBED,
    MalformedError,
    could_be_shopifys,
    is_of_concern,
    is_shopifys,
    is_smaregis,
    shopify_event,
    smaregi_event,
)
from gateway.events.removals import Removals
from gateway.events.worker import Events
from gateway.store.events import NewEvent

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
