"""Smaregi's answers, one by one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.channels.smaregi import SmaregiSettings
from gateway.channels.smaregi.client import SmaregiClient
from gateway.errors import ErrorClass, UpstreamError
from tests.upstream_answers import Answers, answers, kept, section, wire

BASE = "https://api.example.com"
POS = f"{BASE}/sb_test/pos"
TOKEN = "https://id.example.com/app/sb_test/token"
CUSTOMERS = re.compile(re.escape(f"{POS}/customers") + r"\?.*")
SETTINGS = section(
    SmaregiSettings,
    smaregi_contract_id="sb_test",
    smaregi_client_id="client",
    smaregi_client_secret="the secret",
    smaregi_api_url=BASE,
    smaregi_id_url="https://id.example.com",
)
GRANTED = {"access_token": "one", "expires_in": 3600}


@asynccontextmanager
async def smaregi() -> AsyncIterator[tuple[SmaregiClient, Answers]]:
    with answers() as said:
        async with wire() as sender:
            clock = asyncio.get_running_loop().time
            yield SmaregiClient(sender, kept(SETTINGS), clock), said


async def test_a_token_is_asked_for_with_basic_auth_and_both_scopes() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", f"{POS}/customers/5", {"customerId": 5})
        await client.by_id("5")
    asked = next(r for r in said.sent if r.url == TOKEN)
    assert asked.headers["Authorization"].startswith("Basic ")
    assert b"pos.customers%3Aread+pos.customers%3Awrite" in asked.body


async def test_a_401_renews_the_token_once_and_repeats_the_call() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("POST", TOKEN, GRANTED | {"access_token": "two"})
        said.say("POST", f"{POS}/customers", {}, status=401)
        said.say("POST", f"{POS}/customers", {"customerId": "5"})
        assert (await client.create({"customerCode": "7"}))["customerId"] == "5"
    used = [r.headers["Authorization"] for r in said.sent if r.url.endswith("/customers")]
    assert used == ["Bearer one", "Bearer two"]


async def test_a_token_that_stays_refused_is_auth() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED, repeat=True)
        said.say("POST", f"{POS}/customers", {}, status=401, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await client.create({"customerCode": "7"})
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.AUTH, False)


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
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, {}, status=status, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await client.create({})
    assert caught.value.error_class is expected
    assert ("SMAREGI_CONTRACT_ID" in str(caught.value)) is (expected is ErrorClass.AUTH)
    assert "the secret" not in str(caught.value)


@pytest.mark.parametrize(("headers", "wait"), [({}, None), ({"Retry-After": "2"}, 2.0)])
async def test_a_429_was_not_carried_out(headers: dict[str, str], wait: float | None) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("POST", f"{POS}/customers", {}, status=429, headers=headers)
        with pytest.raises(UpstreamError) as caught:
            await client.create({})
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMIT, wait)
    assert caught.value.applied is False


@pytest.mark.parametrize(
    ("status", "expected", "applied"),
    [
        (400, ErrorClass.INVALID_DATA, None),
        (401, ErrorClass.AUTH, False),
        (402, ErrorClass.INVALID_DATA, False),
        (403, ErrorClass.AUTH, False),
        (404, ErrorClass.AUTH, False),
        (408, ErrorClass.TIMEOUT, None),
        (409, ErrorClass.INVALID_DATA, None),
        (422, ErrorClass.INVALID_DATA, False),
        (423, ErrorClass.UNAVAILABLE, None),
        (425, ErrorClass.UNAVAILABLE, None),
        (429, ErrorClass.RATE_LIMIT, False),
        (499, ErrorClass.UNAVAILABLE, None),
        (500, ErrorClass.UNAVAILABLE, None),
        (503, ErrorClass.UNAVAILABLE, None),
    ],
)
async def test_a_create_that_fails(status: int, expected: ErrorClass, applied: bool | None) -> None:
    prose = {"type": "x", "title": "入力エラー", "detail": "taro@example.com は不正です"}
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED, repeat=True)
        said.say("POST", f"{POS}/customers", prose, status=status, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await client.create({})
    assert (caught.value.error_class, caught.value.applied) == (expected, applied)
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("pos.customers:read", "lacks the scope pos.customers:write"),
        ("pos.customers:read pos.customers:write", "the contract's plan"),
        (None, "has the scope pos.customers:write"),
    ],
)
async def test_a_403_names_the_scope_that_the_token_lacks(scope: str | None, told: str) -> None:
    """And the next call has a new token: the scope may have been granted meanwhile."""
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED | {"scope": scope}, repeat=True)
        said.say("POST", f"{POS}/customers", {}, status=403, repeat=True)
        with pytest.raises(UpstreamError, match=told):
            await client.create({})
        lacking = await client.lacking_scopes()
    assert lacking == (["pos.customers:write"] if scope == "pos.customers:read" else [])
    assert len([r for r in said.sent if r.url == TOKEN]) == 2


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_question_that_is_refused_blames_no_customer(status: int) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", re.compile(".*/pos/.*"), {}, status=status, repeat=True)
        for ask in (
            client.by_number("customer_code", "7"),
            client.by_id("7"),
            client.points("7"),
            client.required_columns(),
            client.member_page(1, None),
        ):
            with pytest.raises(UpstreamError) as caught:
                await ask
            assert caught.value.error_class is ErrorClass.UNEXPECTED


@pytest.mark.parametrize(
    ("payload", "proven"),
    [
        ({"transactionHeadIds": ["12"]}, True),
        ({"transactionHeadIds": [12]}, True),
        ({"transactionHeadIds": []}, False),
        ({"customerId": "5", "point": "100"}, False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
async def test_the_transactions_id_proves_that_points_were_added(
    payload: Any, proven: bool
) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("POST", f"{POS}/customers/5/point/add", payload)
        assert bool(await client.add_points("5", 100)) is proven


async def test_members_are_read_whole_once_the_list_of_columns_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = {"customerId": "5", "mailAddress": "a@example.com", "favoriteList": [{"a": "b"}]}
    named = re.compile(r".*/pos/customers\?.*fields=.*")
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", named, {}, status=400, repeat=True)
        said.say("GET", CUSTOMERS, [whole], repeat=True)
        pages = [await client.member_page(1, None) for _ in range(3)]
    assert pages == [[{"customerId": "5", "mailAddress": "a@example.com"}]] * 3
    assert len([r for r in said.sent if "fields=" in r.url]) == 1
    assert len([r for r in caplog.records if "list of columns" in r.message]) == 1


async def test_a_page_that_is_refused_with_and_without_columns_keeps_the_columns() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, {}, status=400)
        said.say("GET", CUSTOMERS, {}, status=400)
        said.say("GET", CUSTOMERS, [])
        with pytest.raises(UpstreamError):
            await client.member_page(1, "2020-01-01T00:00:00+09:00")
        assert await client.member_page(1, None) == []
    assert len([r for r in said.sent if "fields=" in r.url]) == 2


SHAPES: list[Any] = [{}, [1], [{}], "text", None, [{"customerCode": "7"}]]


@pytest.mark.parametrize("payload", SHAPES, ids=str)
async def test_a_list_of_another_shape_is_unexpected(payload: Any) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, payload)
        with pytest.raises(UpstreamError) as caught:
            await client.by_number("customer_code", "7")
    assert caught.value.error_class is ErrorClass.UNEXPECTED


@pytest.mark.parametrize("payload", [[], {}, "text", None], ids=str)
async def test_a_member_of_another_shape_is_unexpected_and_may_have_been_made(
    payload: Any,
) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("POST", f"{POS}/customers", payload)
        with pytest.raises(UpstreamError) as caught:
            await client.create({})
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.UNEXPECTED, None)


@pytest.mark.parametrize("columns", [{}, [1], [{"value": "1"}], None], ids=str)
async def test_required_columns_of_another_shape_are_unexpected(columns: Any) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", f"{POS}/customer_required_column_setting", columns)
        with pytest.raises(UpstreamError) as caught:
            await client.required_columns()
    assert caught.value.error_class is ErrorClass.UNEXPECTED


async def test_only_the_number_that_was_asked_for_counts() -> None:
    """Should the filter be ignored one day, nobody else's member is taken for ours."""
    rows = [{"customerId": 1, "customerCode": "70"}, {"customerId": 2, "customerCode": 7}]
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, rows)
        found = await client.by_number("customer_code", "7")
    assert [row["customerId"] for row in found] == [2]


async def test_an_unknown_member_is_none_to_read_and_an_error_to_change() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", f"{POS}/customers/5", {}, status=404)
        said.say("PATCH", f"{POS}/customers/5", {}, status=404)
        assert await client.by_id("5") is None
        with pytest.raises(UpstreamError) as caught:
            await client.patch("5", {"customerCode": "7"})
    assert caught.value.error_class is ErrorClass.UNEXPECTED


@pytest.mark.parametrize(
    "ids", [list(range(1000, 0, -1)), [*range(1, 1000), 5]], ids=["reversed", "mixed"]
)
async def test_a_full_page_out_of_order_would_lose_members_and_is_refused(ids: list[int]) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, [{"customerId": i} for i in ids])
        with pytest.raises(UpstreamError, match="order"):
            await client.member_page(1, None)


async def test_a_last_page_may_come_in_any_order_and_with_ids_as_numbers_or_texts() -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, [{"customerId": 3}, {"customerId": "2"}])
        assert len(await client.member_page(1, "2026-11-21T09:00:00+09:00")) == 2
    asked = next(r for r in said.sent if "/pos/customers" in r.url)
    assert "upd_date_time-from=" in asked.url
    assert "customer_id-from=1" in asked.url


@pytest.mark.parametrize("bad", ["abc", None, ""])
async def test_an_id_that_is_no_number_is_unexpected(bad: Any) -> None:
    async with smaregi() as (client, said):
        said.say("POST", TOKEN, GRANTED)
        said.say("GET", CUSTOMERS, [{"customerId": bad}])
        with pytest.raises(UpstreamError) as caught:
            await client.member_page(1, None)
    assert caught.value.error_class is ErrorClass.UNEXPECTED
