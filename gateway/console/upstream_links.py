"""Where a record is seen in its own system's console.

Shopify: admin.shopify.com/store/{store}/customers/{id}. HubSpot: app.hubspot.com/contacts/{account}
/record/0-1/{contact}, where 0-1 is the type of contacts. Smaregi documents no address of a member's
page, so its number is shown without a link. A system that is not the real one has none.
"""

import sqlite3

from gateway.app.config import Config
from gateway.app.identity import SHOP
from gateway.store import identities

__all__ = ["link_to", "portal_of"]

_HUBSPOT = "https://api.hubapi.com"


def portal_of(db: sqlite3.Connection) -> str | None:
    """The id of the HubSpot account, as it was written down at the first success."""
    known = identities.get(db, "crm")
    return known.id if known and known.id.isdecimal() else None


def link_to(config: Config, system: str, record: str | None, portal: str | None) -> str | None:
    """None where the page is not known."""
    if not record or not record.isdecimal():
        return None
    shopify = config.shopify
    if system == SHOP and shopify.shopify_base_url is None and shopify.shopify_store:
        store = shopify.shopify_store.partition(".")[0]
        return f"https://admin.shopify.com/store/{store}/customers/{record}"
    real = getattr(config.sections.get("crm"), "hubspot_base_url", None) == _HUBSPOT
    if system == "crm" and portal and real:
        return f"https://app.hubspot.com/contacts/{portal}/record/0-1/{record}"
    return None
