"""Who is let in: pages in this machine's browser, keys of one kind used for another, and ids."""

import logging
import random
from pathlib import Path

import pytest

from gateway.http.authorization import keys
from gateway.registration.intent import new_id
from gateway.settings import is_loopback
from tests.attacks.raw import exchange, head
from tests.world import OPERATOR, World, a_world

STOREFRONT, METRICS = "the-storefronts-own-key", "a-key-for-the-metrics"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# -- a keyless gateway, and pages of others


@pytest.mark.parametrize(
    "host",
    ["127.attacker.co.com", "127.0.0.1.example.com", "localhost.example.com", "x", "[::1", "0"],
)
async def test_a_host_that_only_looks_like_loopback_is_refused(world: World, host: str) -> None:
    for request in (
        head("/v1/registrations/x", method="GET", host=host),
        head("/metrics", method="GET", host=host),
    ):
        got = await exchange(world.url, request[:-2] + b"Connection: close\r\n\r\n")
        assert got.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400")), got


def test_loopback_is_an_address_and_not_the_beginning_of_a_name() -> None:
    for host in ("127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"):
        assert is_loopback(host), host
    for host in ("127.evil.co.com", "127.0.0.1.evil.com", "127.", "0.0.0.0", "", "10.0.0.1"):
        assert not is_loopback(host), host


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_without_a_key_a_page_of_another_site_may_nothing(
    world: World, headers: dict[str, str]
) -> None:
    assert (await world.register(headers=headers)).status == 403
    assert (await world.get("/v1/registrations/x", headers=headers)).status == 403
    assert (await world.get("/metrics", headers=headers)).status == 403
    assert len(world.sandbox.shopify.customers) == 0


async def test_without_a_key_our_own_page_and_programs_may(world: World) -> None:
    own = {"Origin": world.url, "Sec-Fetch-Site": "same-origin"}
    assert (await world.register(number=1, headers=own)).status == 201
    typed = {"Sec-Fetch-Site": "none"}
    assert (await world.get("/metrics", headers=typed)).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_without_a_key_every_post_is_json(world: World, kind: str | None) -> None:
    """What a page may send without asking first is none of these."""
    headers = {"Content-Type": kind} if kind else {}
    for path in ("/v1/registrations", "/v1/points", "/v1/nothing"):
        async with world.session.post(
            world.url + path, data=b"{}", headers=headers, skip_auto_headers=["Content-Type"]
        ) as response:
            assert response.status == 415, path


async def test_a_page_can_neither_replay_nor_discard(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_OPERATOR_KEYS="") as world:
        for path in (
            "/v1/deliveries/1/replay",
            "/v1/deliveries/1/discard",
            "/v1/deliveries/replay",
        ):
            assert (await world.post(path, {}, headers={})).status == 403


# -- keys


async def test_only_an_operators_key_sees_and_replays_deliveries(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS=STOREFRONT) as world:
        for key, status in (
            (bearer(STOREFRONT), 403),
            (OPERATOR, 200),
            (bearer("another-unknown-key"), 401),
            ({}, 401),
        ):
            assert (await world.get("/v1/deliveries", headers=key)).status == status
            replayed = await world.post("/v1/deliveries/replay", {}, headers=key)
            assert replayed.status == (202 if status == 200 else status)
        assert (await world.get("/v1/%64eliveries", headers=bearer(STOREFRONT))).status == 403


async def test_an_operators_key_registers_nobody(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS=STOREFRONT) as world:
        assert (await world.register(headers=OPERATOR)).status == 401
        assert (await world.register(headers=bearer(STOREFRONT))).status == 201


async def test_without_an_operators_key_only_commands_may_see_deliveries(tmp_path: Path) -> None:
    settings = {"GATEWAY_API_KEYS": STOREFRONT, "GATEWAY_OPERATOR_KEYS": ""}
    async with a_world(tmp_path, None, **settings) as world:
        reply = await world.get("/v1/deliveries", headers=bearer(STOREFRONT))
        assert reply.status == 403
        assert "GATEWAY_OPERATOR_KEYS" in reply.body["detail"]


async def test_the_metrics_want_their_key(tmp_path: Path) -> None:
    settings = {"GATEWAY_API_KEYS": STOREFRONT, "GATEWAY_METRICS_KEY": METRICS}
    async with a_world(tmp_path, None, **settings) as world:
        for headers, status in (({}, 401), (bearer(STOREFRONT), 401), (bearer(METRICS), 200)):
            assert (await world.get("/metrics", headers=headers)).status == status


async def test_with_keys_the_metrics_are_for_this_machine(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS=STOREFRONT) as world:
        assert (await world.get("/metrics")).status == 200
        for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            reply = await world.get("/metrics", headers={name: "1.1.1.1"})
            assert reply.status == 403, name
            assert "GATEWAY_METRICS_KEY" in reply.body["detail"]


def test_the_rules_are_asked_of_every_request(world: World) -> None:
    """A room that is added later is behind the same door."""
    from gateway.http.server import application

    assert keys in application(world.core).middlewares


# -- what an answer tells


async def test_no_answer_tells_a_version_or_is_taken_for_something_else(world: World) -> None:
    replies = [await world.get(path) for path in ("/healthz", "/metrics", "/nothing", "/v1/x")]
    replies += [await world.register(), await world.register(email="x")]
    for reply in replies:
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Server"] == "gateway"
    got = await exchange(world.url, b"NONSENSE\r\n\r\n")
    assert b"nosniff" in got
    assert b"aiohttp" not in got
    assert b"Python" not in got


async def test_a_callers_request_id_stands_beside_ours(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reply = await world.get("/readyz", headers={"X-Request-Id": "theirs-1"})
    assert reply.headers["X-Request-Id"] != "theirs-1"
    assert reply.headers["X-Client-Request-Id"] == "theirs-1"
    (line,) = [r.__dict__ for r in caplog.records if "/readyz" in r.getMessage()]
    assert line["client_request_id"] == "theirs-1"
    odd = await world.get("/readyz", headers={"X-Request-Id": "a b\t<x>"})
    assert "X-Client-Request-Id" not in odd.headers


def test_ids_are_made_by_the_operating_systems_randomness() -> None:
    made = set()
    for _ in range(5):
        random.seed(1)
        made.add(new_id(0.0))
    assert len(made) == 5


async def test_so_are_the_ids_of_requests(world: World) -> None:
    ids = set()
    for _ in range(3):
        random.seed(1)
        ids.add((await world.get("/healthz")).headers["X-Request-Id"])
    assert len(ids) == 3
