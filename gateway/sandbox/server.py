"""All stand-ins together, started and stopped as one."""

import ipaddress
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from gateway.sandbox.control import Page
from gateway.sandbox.endpoint import Endpoint
from gateway.sandbox.faults import Delays, Faults
from gateway.sandbox.journal import Journal
from gateway.sandbox.mail import Mailbox
from gateway.sandbox.options import SandboxOptions
from gateway.sandbox.storefront import Storefront
from gateway.sandbox.systems import HubspotSystem, ShopifySystem, SmaregiSystem, Systems


class Sandbox:
    """Shopify, Smaregi, HubSpot and a mailbox on loopback, and a page that shows them.

    `async with Sandbox() as sandbox:` listens, by default on any free ports. ValueError for a host
    that is not loopback, OSError for a port that is taken.
    """

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self.options = options or SandboxOptions()
        _require_loopback(self.options.host)
        clock, host, ports = self.options.clock, self.options.host, self.options.ports
        self.storefront = Storefront(None, self.options.gateway_key)
        self.faults = Faults(self.options.seed)
        self.delays = Delays()
        self.journal = Journal(self.options.journal_limit)
        self.shopify = ShopifySystem(self.options.shopify, clock)
        self.smaregi = SmaregiSystem(self.options.smaregi, clock)
        self.hubspot = HubspotSystem(self.options.hubspot, clock)
        around = (self.faults, self.delays, self.journal)
        self.mail = Mailbox(self.options.mail, *around, host=host, port=ports.email)
        self.shopify.endpoint = Endpoint(
            "shopify", self.shopify, *around, host=host, port=ports.shopify
        )
        self.smaregi.endpoint = Endpoint(
            "smaregi", self.smaregi, *around, host=host, port=ports.smaregi
        )
        self.hubspot.endpoint = Endpoint("crm", self.hubspot, *around, host=host, port=ports.crm)
        if self.options.gateway_url is not None:
            self.connect(self.options.gateway_url)
        self._systems = Systems(
            self.shopify,
            self.smaregi,
            self.hubspot,
            self.mail,
            self.storefront,
            self.faults,
            self.delays,
            self.journal,
        )
        self._page = Page(self._systems)
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The page, and before `/_sandbox/…` the control API."""
        return self._page.url

    def connect(self, gateway_url: str, console_url: str | None = None) -> None:
        """Where the gateway is: registrations go there from the page, and Smaregi's webhooks.

        Shopify's go to whoever subscribes. `console_url`: where the page leads to as well.
        """
        self.storefront.url = gateway_url
        self.storefront.console = console_url
        if self.smaregi.webhook_url is None:
            self.smaregi.webhook_url = f"{gateway_url}/webhooks/smaregi"

    def environment(self) -> dict[str, str]:
        """The gateway settings that wire a gateway to this sandbox."""
        return {
            "SHOPIFY_STORE": self.shopify.options.store,
            "SHOPIFY_ACCESS_TOKEN": self.shopify.options.access_token,
            "SHOPIFY_BASE_URL": self.shopify.url,
            "SHOPIFY_WEBHOOK_SECRET": self.shopify.options.client_secret,
            "SMAREGI_CONTRACT_ID": self.smaregi.options.contract_id,
            "SMAREGI_CLIENT_ID": self.smaregi.options.client_id,
            "SMAREGI_CLIENT_SECRET": self.smaregi.options.client_secret,
            "SMAREGI_API_URL": self.smaregi.api_url,
            "SMAREGI_ID_URL": self.smaregi.id_url,
            "SMAREGI_WEBHOOK_SECRET": self.smaregi.options.webhook_secret,
            "HUBSPOT_ACCESS_TOKEN": self.hubspot.options.access_token,
            "HUBSPOT_BASE_URL": self.hubspot.url,
            "SMTP_HOST": self.mail.host,
            "SMTP_PORT": str(self.mail.port),
            "SMTP_TLS": "none",
            "EMAIL_FROM": "shop@example.com",
        }

    def reset(self) -> None:
        """Empties every system, and takes away faults, delays and the journal."""
        self._systems.reset()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for system in (self.shopify, self.smaregi):
                await system.webhooks.start()
                stack.push_async_callback(system.webhooks.stop)
            stack.callback(self.shopify.stop)
            for endpoint in (self.shopify.endpoint, self.smaregi.endpoint, self.hubspot.endpoint):
                await endpoint.start()
                stack.push_async_callback(endpoint.stop)
            await self.mail.start()
            stack.push_async_callback(self.mail.stop)
            await self._page.start(self.options.host, self.options.ports.page)
            stack.push_async_callback(self._page.stop)
            stack.callback(self.faults.clear)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


def _require_loopback(host: str) -> None:
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError("the sandbox listens on loopback addresses only")
