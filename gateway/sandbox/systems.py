"""The stand-ins of one sandbox, and what is switched on them: the server makes them, the page shows
them.
"""

from dataclasses import dataclass

from gateway.sandbox.endpoint import Endpoint
from gateway.sandbox.faults import Delays, Faults
from gateway.sandbox.hubspot import Hubspot
from gateway.sandbox.journal import Journal
from gateway.sandbox.mail import Mailbox
from gateway.sandbox.shopify import Shopify
from gateway.sandbox.smaregi import Smaregi
from gateway.sandbox.storefront import Storefront

__all__ = ["HubspotSystem", "ShopifySystem", "SmaregiSystem", "Systems"]


class ShopifySystem(Shopify):
    """The shop, with the address it listens on."""

    endpoint: Endpoint

    @property
    def url(self) -> str:
        """Before `/admin/api/{version}/graphql.json` and `/admin/oauth/access_token`."""
        return self.endpoint.url


class SmaregiSystem(Smaregi):
    """The contract, with the addresses it listens on."""

    endpoint: Endpoint

    @property
    def api_url(self) -> str:
        """Before `/{contract}/pos/…`."""
        return self.endpoint.url

    @property
    def id_url(self) -> str:
        """Before `/app/{contract}/token`."""
        return self.endpoint.url


class HubspotSystem(Hubspot):
    """The portal, with the address it listens on."""

    endpoint: Endpoint

    @property
    def url(self) -> str:
        """Before `/crm/objects/{version}/contacts`."""
        return self.endpoint.url


@dataclass(frozen=True, slots=True)
class Systems:
    shopify: ShopifySystem
    smaregi: SmaregiSystem
    hubspot: HubspotSystem
    mail: Mailbox
    storefront: Storefront
    faults: Faults
    delays: Delays
    journal: Journal

    def reset(self) -> None:
        """Empties every system, and takes away faults, delays and the journal."""
        self.faults.clear()
        self.delays.clear()
        for system in (self.shopify, self.smaregi, self.hubspot, self.mail):
            system.reset()
        self.journal.clear()
