"""Which webhooks are believed, and what of them is kept."""

from typing import Any

import pytest

from gateway.sandbox import SmaregiOptions
from tests.sync.webhooks.webhook import an_order, from_shopify, from_smaregi, send, states
from tests.world import World

CUSTOMER = {"id": 7000000000001, "email": "taro@example.com"}
SECRET = SmaregiOptions().webhook_secret


async def count(world: World, source: str, result: str) -> float:
    """Of `gateway_events_total`, over all topics."""
    text = (await world.get("/metrics")).raw.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("gateway_events_total{")
        and f'source="{source}"' in line
        and f'result="{result}"' in line
    )


async def test_a_signed_webhook_is_kept_as_topic_and_ids_and_never_as_a_body(
    world: World,
) -> None:
    await world.core.events.stop()
    raw, headers = from_shopify("customers/update", CUSTOMER, event_id="one")
    assert (await send(world, "shopify", raw, headers)).status == 200
    (row,) = await world.core.db.read(
        lambda db: [dict(r) for r in db.execute("SELECT * FROM events").fetchall()]
    )
    assert (row["id"], row["topic"], row["customer_id"]) == (
        "shopify:one",
        "customers/update",
        7000000000001,
    )
    assert "taro" not in str(row)


async def test_a_body_changed_by_one_byte_is_forged(world: World) -> None:
    raw, headers = from_shopify("customers/delete", CUSTOMER)
    for position in (0, len(raw) // 2, len(raw) - 1):
        changed = bytearray(raw)
        changed[position] ^= 1
        assert (await send(world, "shopify", bytes(changed), headers)).status == 401
    assert await states(world) == {}
    assert await count(world, "shopify", "forged") == 3


async def test_what_is_not_signed_is_forged(world: World) -> None:
    raw, headers = from_shopify("customers/delete", CUSTOMER)
    del headers["X-Shopify-Hmac-Sha256"]
    assert (await send(world, "shopify", raw, headers)).status == 401
    for signature in ("", "x", "ü", "A" * 5000):
        headers["X-Shopify-Hmac-Sha256"] = signature
        assert (await send(world, "shopify", raw, headers)).status == 401
    assert await states(world) == {}


async def test_another_secret_signs_nothing(world: World) -> None:
    raw, headers = from_shopify("customers/delete", CUSTOMER, secret="another app's")
    assert (await send(world, "shopify", raw, headers)).status == 401


async def test_the_client_secret_signs_where_no_other_is_set(world: World) -> None:
    world.set(
        SHOPIFY_WEBHOOK_SECRET="", SHOPIFY_CLIENT_ID="app", SHOPIFY_CLIENT_SECRET="of the app"
    )
    raw, headers = from_shopify("customers/update", CUSTOMER, secret="of the app")
    assert (await send(world, "shopify", raw, headers)).status == 200


@pytest.mark.parametrize(
    ("source", "setting"),
    [("shopify", "SHOPIFY_WEBHOOK_SECRET"), ("smaregi", "SMAREGI_WEBHOOK_SECRET")],
)
async def test_without_a_secret_nobody_is_believed_and_the_setting_is_named(
    world: World, source: str, setting: str
) -> None:
    world.set(**{setting: ""})
    raw, headers = (
        from_shopify("customers/update", CUSTOMER, secret="")
        if source == "shopify"
        else from_smaregi(1, **{"X-Webhook-Secret": ""})
    )
    reply = await send(world, source, raw, headers)
    assert reply.status == 503
    assert setting in reply.body["detail"]
    assert await states(world) == {}


async def test_smaregi_proves_itself_by_a_headers_value_whatever_its_name(
    world: World,
) -> None:
    for number, headers in enumerate(
        (
            {"X-Webhook-Secret": SECRET},
            {"X-Any-Name-At-All": SECRET},
            {"Authorization": SECRET},
            {"Authorization": f"Bearer {SECRET}"},
        )
    ):
        raw, sent = from_smaregi(1, event_id=str(number), **headers)
        assert (await send(world, "smaregi", raw, sent)).status == 200
    assert list(await states(world)) == [f"smaregi:{number}" for number in range(4)]


async def test_a_standard_header_proves_nothing(world: World) -> None:
    """A secret such as `application/json` would let everybody in."""
    for name in ("User-Agent", "Accept", "Referer", "Smaregi-Event-Id", "X-Forwarded-For"):
        raw, headers = from_smaregi(1, **{name: SECRET})
        assert (await send(world, "smaregi", raw, headers)).status == 401
    assert await states(world) == {}


async def test_smaregi_without_the_value_is_forged(world: World) -> None:
    for value in ("", "x", SECRET[:-1], SECRET + "x", SECRET.upper()):
        raw, headers = from_smaregi(1, **{"X-Webhook-Secret": value})
        assert (await send(world, "smaregi", raw, headers)).status == 401
    assert await states(world) == {}
    assert await count(world, "smaregi", "forged") == 5


async def test_a_repeated_event_is_answered_and_kept_once(world: World) -> None:
    for made in (
        ("shopify", from_shopify("customers/update", CUSTOMER, event_id="one")),
        ("smaregi", from_smaregi(1, event_id="one")),
    ):
        source, (raw, headers) = made
        for _ in range(3):
            assert (await send(world, source, raw, headers)).status == 200
        assert await count(world, source, "repeated") == 2
    assert sorted(await states(world)) == ["shopify:one", "smaregi:one"]


GARBAGE: tuple[tuple[str, Any], ...] = (
    ("customers/update", b"not json"),
    ("customers/update", b"[1]"),
    ("customers/update", {"email": "taro@example.com"}),
    ("customers/update", {"id": None}),
    ("customers/update", {"id": True}),
    ("customers/update", {"id": 1.5}),
    ("customers/update", {"id": "9" * 19}),
    ("customers/update", {"id": {"$gt": 1}}),
    ("customers/merge", {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1"}),
    ("customers/redact", {"customer": "taro"}),
    ("", CUSTOMER),
)


async def test_garbage_that_is_signed_is_told_so(world: World) -> None:
    for topic, body in GARBAGE:
        raw, headers = from_shopify(topic, body)
        assert (await send(world, "shopify", raw, headers)).status == 400, (topic, body)
    assert await states(world) == {}


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", an_order(1, data_request={"id": 9}, orders_to_redact=None)),
        ("customers/redact", {"id": 5, "customer": {"id": 1}, "line_items": []}),
        ("customers/redact", {"id": 1, "shop_domain": "example.myshopify.com"}),
        ("customers/data_request", an_order(1)),
        ("shop/redact", an_order(1)),
    ],
    ids=["a data request", "an order", "an update", "a redaction", "a customer's redaction"],
)
async def test_what_was_signed_under_another_topic_is_no_order(
    world: World, topic: str, body: Any
) -> None:
    """The signature covers the body alone: whoever has seen one can send it as any topic."""
    raw, headers = from_shopify(topic, body)
    assert (await send(world, "shopify", raw, headers)).status == 400
    assert await states(world) == {}


async def test_a_redaction_for_another_shop_is_not_ours(world: World) -> None:
    raw, headers = from_shopify("customers/redact", an_order(1, shop_domain="b.myshopify.com"))
    assert (await send(world, "shopify", raw, headers)).status == 200
    assert await states(world) == {}


async def test_an_event_without_its_id_is_refused(world: World) -> None:
    raw, headers = from_shopify("customers/update", CUSTOMER)
    del headers["X-Shopify-Webhook-Id"]
    assert (await send(world, "shopify", raw, headers)).status == 400
    raw, headers = from_smaregi(1)
    headers["smaregi-event-id"] = "x" * 5000
    assert (await send(world, "smaregi", raw, headers)).status == 400


async def test_what_is_no_concern_of_ours_is_answered_and_not_kept(world: World) -> None:
    raw, headers = from_shopify("orders/create", {"id": 1})
    assert (await send(world, "shopify", raw, headers)).status == 200
    raw, headers = from_shopify("shop/redact", {"shop_domain": "another.myshopify.com"})
    assert (await send(world, "shopify", raw, headers)).status == 200
    raw, headers = from_smaregi(1)
    headers["smaregi-event"] = "pos:transactions"
    assert (await send(world, "smaregi", raw, headers)).status == 200
    raw, headers = from_smaregi(1)
    headers["smaregi-contract-id"] = "another"
    assert (await send(world, "smaregi", raw, headers)).status == 200
    assert await states(world) == {}
    assert await count(world, "shopify", "ignored") == 2
    assert await count(world, "smaregi", "ignored") == 2


async def test_the_consent_topic_is_known_by_either_spelling(world: World) -> None:
    await world.core.events.stop()
    for topic in (
        "customers_email_marketing_consent/update",
        "customers/email_marketing_consent_update",
    ):
        raw, headers = from_shopify(topic, {"customer_id": 7000000000001})
        assert (await send(world, "shopify", raw, headers)).status == 200
    assert len(await states(world)) == 2


async def test_a_huge_body_is_refused_before_it_is_read_whole(world: World) -> None:
    raw, headers = from_shopify("customers/update", b"{" + b" " * 300_000 + b"}")
    reply = await send(world, "shopify", raw, headers)
    assert reply.status == 413
    assert "256 KiB" in reply.body["detail"]
    raw, headers = from_shopify("customers/update", {"id": 1, "note": "x" * 200_000})
    assert (await send(world, "shopify", raw, headers)).status == 200


async def test_a_database_that_cannot_be_written_makes_the_sender_repeat(world: World) -> None:
    place = world.file
    away = place.rename(place.with_suffix(".away"))
    raw, headers = from_shopify("customers/update", CUSTOMER, event_id="one")
    reply = await send(world, "shopify", raw, headers)
    assert reply.status == 503
    assert reply.body["type"] == "storage-unavailable"
    away.rename(place)
    assert (await send(world, "shopify", raw, headers)).status == 200
    assert list(await states(world)) == ["shopify:one"]


async def test_no_key_is_wanted_and_no_other_method_taken(world: World) -> None:
    world.set(GATEWAY_API_KEYS="a key of 16 letters".replace(" ", "-"))
    raw, headers = from_shopify("customers/update", CUSTOMER)
    assert (await send(world, "shopify", raw, headers)).status == 200
    assert (await world.get("/webhooks/shopify")).status == 405
