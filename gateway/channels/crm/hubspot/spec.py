"""What this vendor brings."""

from gateway.channels.crm.adapter import Adapter
from gateway.channels.crm.hubspot.account import identify
from gateway.channels.crm.hubspot.adapter import HubSpot

__all__ = ["ADAPTER"]

ADAPTER = Adapter(HubSpot, "HubSpot account", identify)
