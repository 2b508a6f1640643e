"""The stand-ins of a trial: without limits, and known to the gateway's webhooks."""

from gateway.points import ORDER_TOPICS
from gateway.sandbox import (
    HubspotOptions,
    MailOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from gateway.sandbox.shopify.records import WebhookSubscription
from gateway.sync.webhooks import SUBSCRIBED

__all__ = ["options", "subscribe"]


def options(seed: int) -> SandboxOptions:
    """What no document says of Smaregi's transactions is one way or the other."""
    return SandboxOptions(
        seed=seed,
        shopify=ShopifyOptions(bucket=1e7, restore=1e6, webhook_retries=(0.3, 0.7, *[2.0] * 60)),
        smaregi=SmaregiOptions(
            reads_per_second=None, writes_per_second=None, tuple_rule=bool(seed % 2)
        ),
        hubspot=HubspotOptions(per_ten_seconds=1_000_000),
        mail=MailOptions(keep=1_000_000),
    )


def subscribe(sandbox: Sandbox, url: str) -> None:
    """Both vendors' webhooks go to paths of `url`."""
    sandbox.smaregi.webhook_url = f"{url}/smaregi"
    for topic in (*SUBSCRIBED, *ORDER_TOPICS):
        store = sandbox.shopify.store
        made = WebhookSubscription(store.new_id(), topic, f"{url}/shopify", "JSON", 0.0, 0.0)
        store.subscriptions[made.id] = made
