"""Addresses in settings: what each should look like. ValueError says it, and never the value."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["http_url", "is_loopback", "public_url", "shop_domain", "upstream_url"]

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether it is an address of this machine alone, or `localhost`; no other name is believed:
    one that only begins like an address may lead anywhere.
    """
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be a URL that begins with https://")
    return text.rstrip("/")


def upstream_url(text: str) -> str:
    """Tokens and personal data go there, so they do not go out in the clear."""
    url = http_url(text)
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("should begin with https:// (http:// only on loopback)")
    return url


def public_url(text: str) -> str:
    url = upstream_url(text)
    parts = urlsplit(url)
    if parts.path or parts.query or parts.fragment:
        raise ValueError("should end after the host: /webhooks/… is added to it")
    return url


def shop_domain(text: str) -> str:
    name = text.lower()
    if name.startswith("admin.shopify.com"):
        raise ValueError("is the address of every shop's admin; should be the shop's own domain")
    if set(name) & set("/:@?#"):
        raise ValueError("should be the domain alone, without https:// and without a path")
    if not _DOMAIN.fullmatch(name):
        raise ValueError("should be a domain")
    if "." not in name:
        raise ValueError("should be the whole domain, with its .myshopify.com")
    return name
