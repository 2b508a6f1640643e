"""The sandbox without the limits of any account."""

from gateway.sandbox import HubspotOptions, SandboxOptions, ShopifyOptions, SmaregiOptions

__all__ = ["unlimited"]


def unlimited() -> SandboxOptions:
    return SandboxOptions(
        shopify=ShopifyOptions(bucket=1e7, restore=1e6),
        smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
        hubspot=HubspotOptions(per_ten_seconds=1_000_000),
        journal_limit=1000,
    )
