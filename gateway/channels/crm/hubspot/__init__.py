"""HubSpot: contacts over its dated API."""

from gateway.channels.crm.hubspot.account import identify
from gateway.channels.crm.hubspot.adapter import HubSpot
from gateway.channels.crm.hubspot.mapping import takes

__all__ = ["HubSpot", "identify", "takes"]
