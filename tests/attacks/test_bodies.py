"""Bodies of strangers: compressed, huge, slow, and never finished."""

import asyncio
import gzip
import logging
import time

import pytest

from gateway.http import webhooks
from tests.attacks.raw import connected, exchange, head, is_closed
from tests.e2e.trouble.ending import eventually
from tests.sync.webhooks.webhook import from_shopify, from_smaregi, send
from tests.world import World, registration

PATHS = ("/healthz", "/v1/registrations", "/webhooks/shopify", "/nothing", "/metrics")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip"])
async def test_a_compressed_body_is_415_and_is_not_inflated(world: World, encoding: str) -> None:
    body = gzip.compress(b" " * 10_000_000)
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    for path in PATHS:
        method = "GET" if path in {"/healthz", "/metrics"} else "POST"
        began = time.process_time()
        async with world.session.request(
            method, world.url + path, data=body, headers=headers
        ) as response:
            assert response.status == 415, path
        assert time.process_time() - began < 0.5, path


async def test_what_says_identity_is_taken(world: World) -> None:
    reply = await world.register(headers={"Content-Encoding": "identity"})
    assert reply.status == 201


@pytest.mark.parametrize("path", ["/v1/registrations", "/nowhere"])
async def test_an_expectation_that_nobody_knows_is_a_problem_and_is_not_quoted(
    world: World, path: str
) -> None:
    lines = ("Content-Type: application/json", "Content-Length: 2", "Expect: a-secret")
    got = await exchange(world.url, head(path, *lines) + b"{}")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b'"type":"bad-request"' in got
    assert b"X-Request-Id: " in got
    assert b"a-secret" not in got


async def test_nothing_lingers_on_a_body_that_was_refused(world: World) -> None:
    """Cut off after a second, in which the caller may read the answer."""
    for path in ("/v1/registrations", "/webhooks/shopify", "/nothing"):
        async with connected(world.url) as (reader, writer):
            writer.write(head(path, "Content-Length: 1000000", "Content-Encoding: gzip") + b"x")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 415 " in answer
            assert b"Connection: close" in answer
            assert await is_closed(reader, 3.0), path


async def test_a_body_that_is_dropped_is_a_closed_connection_and_no_error(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lines = ("Content-Type: application/json", "Content-Length: 500")
    for body in (b"", b'{"email": "taro@'):
        async with connected(world.url) as (_, writer):
            writer.write(head("/v1/registrations", *lines) + body)
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.transport.abort()

    async def both_are_counted() -> bool:
        text = (await world.get("/metrics")).raw.decode()
        return 'gateway_connections_ended_total{reason="dropped"} 2.0' in text

    await eventually(both_are_counted)
    text = (await world.get("/metrics")).raw.decode()
    assert 'status="5' not in text
    assert [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info] == []


async def test_a_stranger_s_webhook_is_refused_before_its_body_is_read(world: World) -> None:
    """The headers alone: nobody has to send the body for the answer."""
    refused = {
        b" 401 ": ("X-Shopify-Topic: customers/update", "Content-Length: 1000"),
        b" 413 ": (
            "X-Shopify-Topic: customers/update",
            f"X-Shopify-Hmac-Sha256: {'A' * 43}=",
            "Content-Length: 262145",
        ),
        b" 200 ": (
            "X-Shopify-Topic: products/update",
            f"X-Shopify-Hmac-Sha256: {'A' * 43}=",
            "Content-Length: 1000",
        ),
    }
    for status, lines in refused.items():
        assert status in await exchange(world.url, head("/webhooks/shopify", *lines), 3.0), lines
    got = await exchange(world.url, head("/webhooks/smaregi", "Content-Length: 1000"), 3.0)
    assert b" 401 " in got


async def test_slow_webhooks_are_cut_and_make_room_for_one_that_is_sent_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "AT_ONCE", 4)
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 1.0)
    slow = head(
        "/webhooks/shopify",
        "X-Shopify-Topic: customers/update",
        f"X-Shopify-Hmac-Sha256: {'A' * 43}=",
        "Content-Length: 200000",
    )
    held = [asyncio.create_task(exchange(world.url, slow + b"x" * 1000)) for _ in range(8)]
    await asyncio.sleep(0.3)
    raw, headers = from_shopify("customers/update", {"id": 1, "note": "x" * 200_000})
    assert (await send(world, "shopify", raw, headers)).status == 200
    raw, headers = from_smaregi(1)
    assert (await send(world, "smaregi", raw, headers)).status in {200, 401}
    answers = await asyncio.gather(*held)
    assert all(b" 408 " in answer for answer in answers), answers


async def test_an_answer_lists_50_wrong_fields_at_most(world: World) -> None:
    body = registration() | {f"field{number}": 1 for number in range(3000)}
    reply = await world.register(body)
    assert reply.status == 422
    assert len(reply.body["errors"]) == 50
    assert "3000" in reply.body["detail"]
