"""Stand-ins on loopback for Shopify, Smaregi, HubSpot and a mailbox.

They behave as the real systems do, traps included, and can be made to misbehave. State is in
memory. Storefront developers watch their registrations arrive on the page; tests read the state
and the journal directly.
"""

from gateway.sandbox.faults import KINDS, SYSTEMS, Delays, Fault, Faults
from gateway.sandbox.hubspot import Contact
from gateway.sandbox.journal import Journal, JournalEntry
from gateway.sandbox.mail import Mail
from gateway.sandbox.options import (
    HubspotOptions,
    MailOptions,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from gateway.sandbox.ports import Ports, first_free
from gateway.sandbox.server import Sandbox
from gateway.sandbox.shopify import Customer, MailingAddress, Metafield
from gateway.sandbox.smaregi import Members
from gateway.sandbox.webhooks import Delivery, Receipt

__all__ = [
    "KINDS",
    "SYSTEMS",
    "Contact",
    "Customer",
    "Delays",
    "Delivery",
    "Fault",
    "Faults",
    "HubspotOptions",
    "Journal",
    "JournalEntry",
    "Mail",
    "MailOptions",
    "MailingAddress",
    "Members",
    "Metafield",
    "Ports",
    "Receipt",
    "Sandbox",
    "SandboxOptions",
    "ShopifyOptions",
    "SmaregiOptions",
    "first_free",
]
