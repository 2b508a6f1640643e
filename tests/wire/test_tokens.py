"""Tokens of the client-credentials grant: single flight, early renewal."""

import asyncio
from itertools import count
from typing import Any

import orjson
import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Access, Call, ClientCredentials, UpstreamAnswer
from gateway.wire.tokens import Grant, grant_of


class Grants:
    """Gives `token 1`, `token 2`, …; `now` is what the clock says."""

    def __init__(self, seconds: float = 3600) -> None:
        self.now = 1000.0
        self.asked = 0
        self.broken = False
        self._numbers = count(1)
        self._seconds = seconds
        self.credentials = ClientCredentials(self._ask, lambda: self.now)

    async def _ask(self) -> Grant:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.broken:
            raise UpstreamError("smaregi", "token", ErrorClass.AUTH, "HTTP 401", applied=False)
        return Grant(f"token {next(self._numbers)}", self._seconds)


async def test_callers_at_the_same_time_share_one_request() -> None:
    grant = Grants()
    tokens = await asyncio.gather(*(grant.credentials.token() for _ in range(20)))
    assert set(tokens) == {"token 1"}
    assert grant.asked == 1


@pytest.mark.parametrize(("lives", "early"), [(3600.0, 60.0), (300.0, 30.0), (10.0, 1.0)])
async def test_a_token_is_renewed_a_little_before_its_end(lives: float, early: float) -> None:
    grant = Grants(lives)
    await grant.credentials.token()
    grant.now += lives - early - 0.5
    assert await grant.credentials.token() == "token 1"
    grant.now += 1.0
    assert await grant.credentials.token() == "token 2"


async def test_a_refused_token_is_asked_for_again_once() -> None:
    grant = Grants()
    refused = await grant.credentials.token()
    for _ in range(5):
        grant.credentials.reject(refused)
    tokens = await asyncio.gather(*(grant.credentials.token() for _ in range(5)))
    grant.credentials.reject(refused)  # somebody late speaks of the old one
    assert {*tokens, await grant.credentials.token()} == {"token 2"}
    assert grant.asked == 2


async def test_a_failed_request_is_not_remembered() -> None:
    grant = Grants()
    grant.broken = True
    with pytest.raises(UpstreamError):
        await grant.credentials.token()
    grant.broken = False
    assert await grant.credentials.token() == "token 1"


async def test_a_caller_who_gives_up_does_not_spoil_it_for_the_others() -> None:
    grant = Grants()
    first = asyncio.create_task(grant.credentials.token())
    second = asyncio.create_task(grant.credentials.token())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token 1"


def answer(payload: Any, status: int = 200) -> UpstreamAnswer:
    call = Call("smaregi", "token", Access.READ, "POST", "https://id.example.com/token")
    return UpstreamAnswer(call, status, {}, orjson.dumps(payload))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"access_token": "abc", "expires_in": 86399}, 86399.0),
        ({"access_token": "abc", "expires_in": "120"}, 120.0),
        ({"access_token": "abc"}, 3600.0),
    ],
)
def test_the_lifetime_is_believed(payload: Any, expected: float) -> None:
    assert grant_of(answer(payload), "mend it") == Grant("abc", expected)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("pos.customers:read pos.customers:write", {"pos.customers:read", "pos.customers:write"}),
        ("read_customers,write_customers", {"read_customers", "write_customers"}),
        (" pos.customers:read ", {"pos.customers:read"}),
        ("", None),
        (["pos.customers:read"], None),
    ],
)
def test_the_scopes_are_those_that_the_answer_names(scope: Any, expected: set[str] | None) -> None:
    assert grant_of(answer({"access_token": "abc", "scope": scope}), "").scopes == expected


@pytest.mark.parametrize(
    "payload",
    [None, [], "abc", {}, {"access_token": ""}, {"access_token": "abc", "expires_in": "soon"}],
)
def test_an_answer_without_a_token_is_unexpected(payload: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        grant_of(answer(payload), "mend it")
    assert caught.value.error_class is ErrorClass.UNEXPECTED
    assert caught.value.applied is False


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, ErrorClass.AUTH) for status in (400, 401, 402, 403, 404, 409, 410, 422)),
        (408, ErrorClass.TIMEOUT),
        (423, ErrorClass.UNAVAILABLE),
        (425, ErrorClass.UNAVAILABLE),
        (429, ErrorClass.RATE_LIMIT),
        (499, ErrorClass.UNAVAILABLE),
        (503, ErrorClass.UNAVAILABLE),
    ],
)
def test_whoever_refuses_a_token_speaks_of_the_credentials(
    status: int, expected: ErrorClass
) -> None:
    """Whatever the 4xx, but for what passes by itself; nothing else was asked for yet."""
    with pytest.raises(UpstreamError) as caught:
        grant_of(answer({"error": "the secret"}, status), "mend it")
    assert (caught.value.error_class, caught.value.applied) == (expected, False)
    assert ("mend it" in str(caught.value)) is (expected is ErrorClass.AUTH)
    assert "the secret" not in str(caught.value)
