"""HubSpot, an adapter of the CRM."""

from gateway.channels.crm.adapter import Adapter
from gateway.channels.crm.hubspot.account import identify
from gateway.channels.crm.hubspot.adapter import HubSpot

__all__ = ["ADAPTER", "HubSpot"]

ADAPTER = Adapter(HubSpot, "HubSpot account", identify)
