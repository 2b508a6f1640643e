"""The stand-in for HubSpot's CRM (contacts and their properties)."""

from gateway.sandbox.hubspot.api import Hubspot
from gateway.sandbox.hubspot.contacts import Contact

__all__ = ["Contact", "Hubspot"]
