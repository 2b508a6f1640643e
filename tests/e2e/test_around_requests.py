"""What is around every request: its address, method, id, API key and rate."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.evidence import assert_problem, rows_in
from tests.world import OPERATOR, Reply, World, a_world

KEY_A, KEY_B = "key-of-storefront-a", "key-of-storefront-b"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/registrations/nobody", 404),
        ("GET", "/v1/registrations", 405),
        ("DELETE", "/v1/registrations", 405),
        ("PUT", "/v1/deliveries", 405),
        ("POST", "/healthz", 405),
        ("PATCH", "/v1/customers/7000000000001/points", 405),
        ("PATCH", "/v1/customers/gid://shopify/Customer/7000000000001/points", 405),
        ("PATCH", "/v1/customers/7/7", 404),
    ],
)
async def test_a_wrong_address_or_method_is_a_problem(
    quiet: World, method: str, path: str, status: int
) -> None:
    url = quiet.url + path
    async with quiet.session.request(method, url, headers=OPERATOR) as response:
        reply = await Reply.of(response)
    assert_problem(reply, status)
    assert ("Allow" in reply.headers) == (status == 405)


async def test_every_answer_carries_an_id_of_ours_and_the_callers_beside_it(quiet: World) -> None:
    replies = [await quiet.get(path) for path in ("/healthz", "/readyz", "/metrics", "/x")]
    replies += [await quiet.register(), await quiet.register(email="x")]
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == len(replies)
    given = await quiet.get("/healthz", headers={"X-Request-Id": "abc-123"})
    assert given.headers["X-Request-Id"] != "abc-123"
    assert given.headers["X-Client-Request-Id"] == "abc-123"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong-key-wrong-key", f"Basic {KEY_A}", KEY_A]
)
async def test_without_a_known_key_everything_under_v1_is_401(
    tmp_path: Path, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with a_world(tmp_path, None, GATEWAY_API_KEYS=f"{KEY_A},{KEY_B}") as world:
        replies = [await world.register(headers=headers)]
        replies += [await world.post("/v1/deliveries/replay", {}, headers=headers)]
        for path in ("/v1/registrations/x", "/v1/deliveries", "/v1/nothing"):
            replies.append(await world.get(path, headers=headers))
        for reply in replies:
            assert_problem(reply, 401)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await world.get("/healthz", headers=headers)).status == 200
        assert len(world.sandbox.shopify.customers) == await rows_in(world, "registrations") == 0


async def test_each_known_key_is_let_in(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, GATEWAY_API_KEYS=f" {KEY_A} , {KEY_B} ") as world:
        for number, key in enumerate((KEY_A, KEY_B), 1):
            headers = {"Authorization": f"Bearer {key}"}
            assert (await world.register(number=number, headers=headers)).status == 201


async def test_who_sends_too_much_gets_429_and_nobody_else_does(tmp_path: Path) -> None:
    settings = {"GATEWAY_API_KEYS": f"{KEY_A},{KEY_B}", "GATEWAY_RATE_LIMIT": "2"}
    async with a_world(tmp_path, None, **settings) as world:
        mine, theirs = ({"Authorization": f"Bearer {key}"} for key in (KEY_A, KEY_B))
        replies = await asyncio.gather(
            *(world.register(number=n, headers=mine) for n in range(1, 9))
        )
        refused = [reply for reply in replies if reply.status == 429]
        assert 5 <= len(refused) <= 6
        for reply in refused:
            assert_problem(reply, 429)
            assert int(reply.headers["Retry-After"]) >= 1
        assert (await world.register(number=9, headers=theirs)).status == 201
        assert len(world.sandbox.shopify.customers) == len(replies) - len(refused) + 1
