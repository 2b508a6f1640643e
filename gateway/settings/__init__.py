"""Every setting, once, and where it comes from. Each channel brings its own section."""

from gateway.settings.addresses import is_loopback
from gateway.settings.credentials import LongSecret, Token
from gateway.settings.sections import (
    AlertSettings,
    GatewaySettings,
    MailboxText,
    Section,
    ShopifySettings,
    UpstreamUrl,
)
from gateway.settings.sources import Sources, load_sections, read_dotenv

__all__ = [
    "AlertSettings",
    "GatewaySettings",
    "LongSecret",
    "MailboxText",
    "Section",
    "ShopifySettings",
    "Sources",
    "Token",
    "UpstreamUrl",
    "is_loopback",
    "load_sections",
    "read_dotenv",
]
