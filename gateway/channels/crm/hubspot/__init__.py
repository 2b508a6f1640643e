"""HubSpot, an adapter of the CRM."""

from typing import TYPE_CHECKING

from gateway import at_first_use

if TYPE_CHECKING:
    from gateway.channels.crm.hubspot.adapter import HubSpot
    from gateway.channels.crm.hubspot.spec import ADAPTER

__all__ = ["ADAPTER", "HubSpot"]

__getattr__ = at_first_use(__name__, {"adapter": "HubSpot", "spec": "ADAPTER"})
