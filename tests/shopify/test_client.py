"""Admin GraphQL over the wire: tokens, cost points, throttling, errors inside a 200."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.settings import ShopifySettings
from gateway.shopify import GraphQL, documents
from gateway.shopify.documents import Document
from gateway.wire.cost_bucket import CostBucket
from tests.shopify.nodes import answered, throttled
from tests.upstream_answers import Answers, answers, kept, section, wire

GRAPHQL = "https://shop.example.com/admin/api/2026-10/graphql.json"
TOKEN = "https://shop.example.com/admin/oauth/access_token"
STATIC = section(
    ShopifySettings,
    shopify_store="sandbox.myshopify.com",
    shopify_base_url="https://shop.example.com",
    shopify_access_token="shpat_0000000000000000",
)
GRANT = section(
    ShopifySettings,
    shopify_store="sandbox.myshopify.com",
    shopify_base_url="https://shop.example.com",
    shopify_client_id="id",
    shopify_client_secret="the secret",
)
FOUND = answered({"customerByIdentifier": None})


@asynccontextmanager
async def client(
    settings: ShopifySettings = STATIC,
) -> AsyncIterator[tuple[GraphQL, Answers, CostBucket]]:
    clock = asyncio.get_running_loop().time
    bucket = CostBucket(clock)
    with answers() as said:
        async with wire() as sender:
            yield GraphQL(sender, kept(settings), clock, bucket), said, bucket


async def error_of(payload: Any, document: Document = documents.FIND, **more: Any) -> UpstreamError:
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, payload, repeat=True, **more)
        with pytest.raises(UpstreamError) as caught:
            await graphql.run(document, {}, asyncio.get_running_loop().time() + 0.5)
    return caught.value


async def test_the_token_and_the_variables_are_sent() -> None:
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, FOUND)
        assert await graphql.run(documents.FIND, {"identifier": {"id": "1"}}) == FOUND["data"]
    (request,) = said.sent
    assert request.headers["X-Shopify-Access-Token"] == "shpat_0000000000000000"
    assert request.json["variables"] == {"identifier": {"id": "1"}}
    assert request.json["query"] == documents.FIND.text


@pytest.mark.parametrize(
    ("requested", "available", "restore", "seconds"),
    [(50, 30, 100, 0.2), (20, 19, 100, 0.1), (30, 0, 100, 0.3), (50, 30, 50, 0.4)],
)
async def test_throttling_is_waited_out_from_the_numbers_in_the_answer(
    requested: float, available: float, restore: float, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, throttled(requested, available, restore))
        said.say("POST", GRAPHQL, FOUND)
        began = loop.time()
        await graphql.run(documents.FIND, {}, began + 2)
        assert seconds - 0.02 <= loop.time() - began < seconds + 0.15
    assert len(said.sent) == 2


async def test_throttling_beyond_the_deadline_is_told_at_once_with_its_wait() -> None:
    loop = asyncio.get_running_loop()
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, throttled(1000, 0))
        began = loop.time()
        with pytest.raises(UpstreamError) as caught:
            await graphql.run(documents.CREATE, {}, began + 1)
        assert loop.time() - began < 0.2
    assert caught.value.error_class is ErrorClass.RATE_LIMIT
    assert caught.value.retry_after == pytest.approx(10.0)
    assert caught.value.applied is False


async def test_the_cost_of_a_document_is_learned_from_its_answers() -> None:
    async with client() as (graphql, said, bucket):
        said.say("POST", GRAPHQL, answered({"nodes": []}, requested=400, available=300))
        await graphql.run(documents.READ_MANY, {})
        assert bucket.wait_for(300) == pytest.approx(0.0, abs=0.1)
        with pytest.raises(UpstreamError) as caught:
            await graphql.run(documents.READ_MANY, {}, asyncio.get_running_loop().time() + 0.05)
    assert caught.value.error_class is ErrorClass.RATE_LIMIT
    assert caught.value.applied is False
    assert len(said.sent) == 1, "no points, no call"


@pytest.mark.parametrize(
    ("code", "expected", "applied"),
    [
        ("ACCESS_DENIED", ErrorClass.AUTH, None),
        ("INTERNAL_SERVER_ERROR", ErrorClass.UNAVAILABLE, None),
        ("TIMEOUT", ErrorClass.UNAVAILABLE, None),
        ("SOMETHING_NEW", ErrorClass.UNEXPECTED, None),
        (None, ErrorClass.UNEXPECTED, None),
    ],
)
async def test_errors_inside_a_200(
    code: str | None, expected: ErrorClass, applied: bool | None
) -> None:
    quoted = {"message": "taro@example.com is wrong", "extensions": {"code": code} if code else {}}
    payload = {"data": {"customerCreate": None}, "errors": [quoted]}
    error = await error_of(payload, documents.CREATE)
    assert (error.error_class, error.applied) == (expected, applied)
    assert "example.com" not in str(error)
    assert (await error_of(payload, documents.FIND)).applied is False


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, ErrorClass.AUTH),
        (402, ErrorClass.INVALID_DATA),
        (403, ErrorClass.AUTH),
        (423, ErrorClass.UNAVAILABLE),
        (429, ErrorClass.RATE_LIMIT),
        (430, ErrorClass.RATE_LIMIT),
        (500, ErrorClass.UNAVAILABLE),
    ],
)
async def test_other_statuses(status: int, expected: ErrorClass) -> None:
    error = await error_of({}, status=status, headers={"Retry-After": "3"})
    assert (error.error_class, error.retry_after) == (expected, 3.0)


@pytest.mark.parametrize(
    "payload",
    [
        [],
        "text",
        None,
        {},
        {"data": None},
        {"data": []},
        {"errors": "all wrong"},
        {"errors": ["all wrong"]},
        {"errors": [{"extensions": None}]},
        {"data": {}, "extensions": "none"},
        {"data": {}, "extensions": {"cost": []}, "errors": [1]},
        {"data": {}, "extensions": {"cost": {"requestedQueryCost": "many"}}},
    ],
    ids=str,
)
async def test_an_answer_that_cannot_be_understood_is_unexpected(payload: Any) -> None:
    """Or its data is taken, where only the numbers about its cost cannot be read."""
    end: Any
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, payload)
        try:
            end = await graphql.run(documents.CREATE, {})
        except UpstreamError as error:
            end = error.error_class
    assert end in ({}, ErrorClass.UNEXPECTED)


async def test_not_json_is_unexpected() -> None:
    error = await error_of(None, body=b"<html>taro@example.com</html>")
    assert error.error_class is ErrorClass.UNEXPECTED
    assert "example.com" not in str(error)


async def test_a_granted_token_is_asked_for_once_and_renewed_after_a_401() -> None:
    async with client(GRANT) as (graphql, said, _):
        said.say("POST", TOKEN, {"access_token": "one", "expires_in": 86399})
        said.say("POST", TOKEN, {"access_token": "two", "expires_in": 86399})
        said.say("POST", GRAPHQL, FOUND)
        said.say("POST", GRAPHQL, {}, status=401)
        said.say("POST", GRAPHQL, FOUND)
        await graphql.run(documents.FIND, {})
        await graphql.run(documents.FIND, {})
    asked = [r for r in said.sent if r.url == TOKEN]
    assert len(asked) == 2
    assert b"grant_type=client_credentials" in asked[0].body
    used = [r.headers["X-Shopify-Access-Token"] for r in said.sent if r.url == GRAPHQL]
    assert used == ["one", "one", "two"]


async def test_a_token_that_stays_refused_is_auth_and_not_asked_for_for_ever() -> None:
    async with client(GRANT) as (graphql, said, _):
        said.say("POST", TOKEN, {"access_token": "one", "expires_in": 86399}, repeat=True)
        said.say("POST", GRAPHQL, {}, status=401, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await graphql.run(documents.CREATE, {})
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.AUTH, False)
    assert len([r for r in said.sent if r.url == GRAPHQL]) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.AUTH),
        (401, ErrorClass.AUTH),
        (404, ErrorClass.AUTH),
        (500, ErrorClass.UNAVAILABLE),
    ],
)
async def test_a_refused_grant(status: int, expected: ErrorClass) -> None:
    async with client(GRANT) as (graphql, said, _):
        said.say("POST", re.compile(".*access_token"), {}, status=status, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await graphql.run(documents.CREATE, {})
    assert caught.value.error_class is expected
    assert caught.value.applied is False, "nothing was asked for yet"
    assert "the secret" not in str(caught.value)
