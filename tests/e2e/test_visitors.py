"""GATEWAY_RATE_LIMIT for each visitor whom the storefront names."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.evidence import assert_problem
from tests.world import Reply, World, a_world

KEY = "key-of-the-storefront"
HEADER = "X-Client-Address"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, None, GATEWAY_API_KEYS=KEY, GATEWAY_RATE_LIMIT="0.01") as made:
        yield made


async def send(world: World, number: int, address: str | None) -> Reply:
    headers = {"Authorization": f"Bearer {KEY}"} | ({HEADER: address} if address else {})
    return await world.register(number=number, headers=headers)


async def test_each_visitor_has_an_allowance_of_their_own(world: World) -> None:
    assert (await send(world, 1, "203.0.113.7")).status == 201
    refused = await send(world, 2, "203.0.113.7")
    assert_problem(refused, 429)
    assert "visitor" in refused.body["detail"]
    assert int(refused.headers["Retry-After"]) >= 90
    assert (await send(world, 3, "203.0.113.8")).status == 201
    assert (await send(world, 4, "2001:db8::1")).status == 201
    assert (await send(world, 5, "2001:db8::2")).status == 429, "one household"
    assert (await send(world, 6, None)).status == 201, "whoever names nobody is the key itself"
    assert (await send(world, 7, None)).status == 429


async def test_a_change_counts_for_the_same_visitor(world: World) -> None:
    made = await send(world, 1, "203.0.113.7")
    path = f"/v1/customers/{made.body['member_number']}"
    for address, status in (("203.0.113.7", 429), ("203.0.113.8", 200)):
        headers = {"Authorization": f"Bearer {KEY}", HEADER: address}
        assert (await world.patch(path, {"first_name": "x"}, headers=headers)).status == status


@pytest.mark.parametrize("address", ["unknown", "203.0.113.7, 10.0.0.1", "203.0.113.7:1234"])
async def test_what_is_no_address_is_400_and_nothing_happens(world: World, address: str) -> None:
    reply = await send(world, 1, address)
    assert_problem(reply, 400, "invalid-client-address")
    assert HEADER in reply.body["detail"]
    assert address not in reply.raw.decode()
    assert not world.sandbox.shopify.customers


async def test_without_a_key_the_header_is_not_trusted(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, GATEWAY_RATE_LIMIT="0.01") as world:
        statuses = [
            (await world.register(number=n, headers={HEADER: f"203.0.113.{n}"})).status
            for n in (1, 2)
        ]
        assert statuses == [201, 429]


async def test_a_key_as_a_whole_keeps_to_what_is_usual(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.access._USUAL", 3.0)
    statuses = [(await send(world, n, f"203.0.113.{n}")).status for n in range(1, 9)]
    assert statuses[:3] == [201] * 3
    assert 429 in statuses
