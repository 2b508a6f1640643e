"""Webhooks made by hand: signed as Shopify signs them, with the header that Smaregi is set to."""

import asyncio
import base64
import hashlib
import hmac
import io
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.outcomes import Outcome
from gateway.sandbox import ShopifyOptions, SmaregiOptions
from gateway.store import tally
from tests.world import Reply, World

__all__ = ["an_order", "arrived", "from_shopify", "from_smaregi", "send", "states", "worked"]


def from_shopify(
    topic: str, body: Any, *, event_id: str | None = None, secret: str | None = None
) -> tuple[bytes, dict[str, str]]:
    """Raw body and headers."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    key = (ShopifyOptions().client_secret if secret is None else secret).encode()
    digest = base64.b64encode(hmac.new(key, raw, hashlib.sha256).digest()).decode()
    return raw, {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": digest,
        "X-Shopify-Shop-Domain": ShopifyOptions().store,
        "X-Shopify-Webhook-Id": event_id or str(uuid.uuid4()),
    }


def from_smaregi(
    *members: int, action: str = "edited", event_id: str | None = None, **headers: str
) -> tuple[bytes, dict[str, str]]:
    contract = SmaregiOptions().contract_id
    body = {
        "contractId": contract,
        "event": "pos:customers",
        "action": action,
        "customerIds": [str(member) for member in members],
    }
    proof = headers or {"X-Webhook-Secret": SmaregiOptions().webhook_secret}
    return orjson.dumps(body), {
        "Content-Type": "application/json",
        "smaregi-event": "pos:customers",
        "smaregi-event-id": event_id or str(uuid.uuid4()),
        "smaregi-contract-id": contract,
        **proof,
    }


def an_order(customer: int, **more: Any) -> dict[str, Any]:
    """The body of `customers/redact`."""
    return {
        "shop_id": 954889,
        "shop_domain": ShopifyOptions().store,
        "customer": {"id": customer, "email": "taro@example.com", "phone": ""},
        "orders_to_redact": [],
        **more,
    }


async def send(world: World, source: str, raw: bytes, headers: Mapping[str, str]) -> Reply:
    url = f"{world.url}/webhooks/{source}"
    async with world.session.post(url, data=io.BytesIO(raw), headers=headers) as response:
        return await Reply.of(response)


async def states(world: World) -> dict[str, str]:
    """Every event that is kept, by its id."""
    rows = await world.core.db.read(
        lambda db: db.execute("SELECT id, state FROM events ORDER BY rowid").fetchall()
    )
    return {row["id"]: row["state"] for row in rows}


async def worked(world: World, seconds: float = 30.0) -> None:
    """Until no event waits and nothing is under way."""
    async with asyncio.timeout(seconds):
        while (await world.core.db.read(tally.read)).events:
            await asyncio.sleep(0.02)
    await world.settled(seconds)


async def arrived(world: World) -> None:
    """Until what the stand-ins sent is received, worked, and what followed has ended."""
    while True:
        await world.sandbox.shopify.webhooks.settled()
        await world.sandbox.smaregi.webhooks.settled()
        await worked(world)
        found = await world.deliveries(outcomes=(Outcome.PENDING,))
        if not found and not world.core.deliverer.has_work():
            return
        await asyncio.sleep(0.02)
