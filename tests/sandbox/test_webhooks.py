"""Webhooks as Shopify and Smaregi send them."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.sandbox import ShopifyOptions
from tests.sandbox.conftest import UPDATE, Clients, unlimited

SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
 webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri}) {
 webhookSubscription { id topic uri } userErrors { message } } }"""


@dataclass(slots=True)
class Receiver:
    """A server that keeps what it is sent."""

    url: str = ""
    status: int = 200
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    def bodies(self) -> list[Any]:
        return [orjson.loads(body) for _, body in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    application = web.Application()
    application.router.add_post("/hook", made.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


async def subscribe(clients: Clients, url: str, topic: str) -> dict[str, Any]:
    reply = await clients.graphql(SUBSCRIBE, {"topic": topic, "uri": url})
    payload: dict[str, Any] = reply.body["data"]["webhookSubscriptionCreate"]
    return payload


async def test_shopify_signs_the_raw_body_and_leaves_out_tags_and_consent(
    clients: Clients, receiver: Receiver
) -> None:
    await subscribe(clients, receiver.url, "CUSTOMERS_CREATE")
    await clients.create(email="a@example.com", tags=["x"])
    await clients.sandbox.shopify.webhooks.settled()
    headers, body = receiver.received[0]
    secret = clients.sandbox.shopify.options.client_secret.encode()
    digest = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    assert headers["X-Shopify-Hmac-Sha256"] == digest
    assert headers["X-Shopify-Topic"] == "customers/create"
    assert headers["X-Shopify-Shop-Domain"] == "sandbox.myshopify.com"
    assert {"X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At"} <= set(headers)
    content = orjson.loads(body)
    assert content["id"] == 7000000000001
    assert not {"tags", "email_marketing_consent", "accepts_marketing"} & content.keys()


async def test_own_writes_come_back_and_so_does_the_first_sign_in(
    clients: Clients, receiver: Receiver
) -> None:
    for topic in ("CUSTOMERS_UPDATE", "CUSTOMERS_ENABLE", "CUSTOMERS_DELETE"):
        await subscribe(clients, receiver.url, topic)
    gid = (await clients.create(email="a@example.com"))["customer"]["id"]
    await clients.graphql(UPDATE, {"input": {"id": gid, "lastName": "山田"}})
    shop = clients.sandbox.shopify
    shop.enable(7000000000001)
    shop.delete_customer(7000000000001)
    await shop.webhooks.settled()
    topics = sorted(headers["X-Shopify-Topic"] for headers, _ in receiver.received)
    assert topics == ["customers/delete", "customers/enable"] + ["customers/update"] * 2


async def test_subscriptions_are_listed_unique_and_on_loopback_only(
    clients: Clients, receiver: Receiver
) -> None:
    assert not (await subscribe(clients, receiver.url, "CUSTOMERS_CREATE"))["userErrors"]
    assert (await subscribe(clients, receiver.url, "CUSTOMERS_CREATE"))["userErrors"]
    outside = "https://gateway.example.com/hook"
    assert (await subscribe(clients, outside, "CUSTOMERS_CREATE"))["userErrors"]
    reply = await clients.graphql("{ webhookSubscriptions(first: 10) { nodes { topic uri } } }")
    nodes = reply.body["data"]["webhookSubscriptions"]["nodes"]
    assert nodes == [{"topic": "CUSTOMERS_CREATE", "uri": receiver.url}]


async def test_deliveries_are_held_back_shuffled_repeated_and_lost(
    clients: Clients, receiver: Receiver
) -> None:
    await subscribe(clients, receiver.url, "CUSTOMERS_CREATE")
    hooks = clients.sandbox.shopify.webhooks
    hooks.pause()
    for number in range(20):
        await clients.create(email=f"{number}@example.com")
    await hooks.settled()
    assert receiver.received == []
    sent = hooks.flush(shuffle=True, repeat=2, lose=0.3)
    await hooks.settled()
    ids = [body["id"] for body in receiver.bodies()]
    assert len(ids) == sent == 2 * len(set(ids))
    assert 5 < len(set(ids)) < 20
    repeated = {headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received}
    assert len(repeated) == len(set(ids))


@pytest.mark.parametrize(
    "options",
    [unlimited(shopify=ShopifyOptions(unlimited=True, webhook_retries=(0.01,) * 8))],
)
async def test_subscription_is_deleted_after_eight_retries(
    clients: Clients, receiver: Receiver
) -> None:
    receiver.status = 500
    await subscribe(clients, receiver.url, "CUSTOMERS_CREATE")
    await clients.create(email="a@example.com")
    for _ in range(100):
        if len(receiver.received) == 9:
            break
        await asyncio.sleep(0.02)
    await clients.sandbox.shopify.webhooks.settled()
    await clients.create(email="b@example.com")
    await clients.sandbox.shopify.webhooks.settled()
    assert len(receiver.received) == 9
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received}) == 1
    assert clients.sandbox.shopify.store.subscriptions == {}


async def test_smaregi_sends_ids_only_with_the_header_that_was_set(
    clients: Clients, receiver: Receiver
) -> None:
    system = clients.sandbox.smaregi
    system.webhook_url, system.webhook_headers = receiver.url, {"X-Secret": "s3cret"}
    member_id = system.add(lastName="山田", firstName="太郎")
    await clients.smaregi("PATCH", f"/customers/{member_id}", json={"note": "x"})
    system.remove(member_id)
    await system.webhooks.settled()
    assert [body["action"] for body in receiver.bodies()] == ["created", "edited", "deleted"]
    headers, body = receiver.received[0]
    assert orjson.loads(body) == {
        "contractId": "sb_sandbox",
        "event": "pos:customers",
        "action": "created",
        "customerIds": ["1"],
    }
    assert headers["smaregi-event"] == "pos:customers"
    assert headers["smaregi-contract-id"] == "sb_sandbox"
    assert headers["smaregi-event-id"]
    assert headers["X-Secret"] == "s3cret"


async def test_a_merge_in_the_admin_is_done_at_once_and_told(
    clients: Clients, receiver: Receiver
) -> None:
    shop = clients.sandbox.shopify
    await subscribe(clients, receiver.url, "CUSTOMERS_MERGE")
    one, two = shop.add_customer(email="a@example.com"), shop.add_customer(email="b@example.com")
    shop.merge_customers(one.id, two.id)
    assert list(shop.customers) == [one.id]
    await shop.webhooks.settled()
    (body,) = receiver.bodies()
    assert body["admin_graphql_api_customer_kept_id"] == one.gid
    assert body["admin_graphql_api_customer_deleted_id"] == two.gid
