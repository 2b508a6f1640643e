"""What is no JSON, too large, or not sent as JSON."""

import json
from typing import Any

import pytest

from tests.e2e.evidence import assert_problem
from tests.e2e.raw_bodies import assert_nothing_happened, send
from tests.world import Reply, World, registration

LIMIT = 64 * 1024


def body_of(**changes: Any) -> bytes:
    return json.dumps(registration(**changes), ensure_ascii=False).encode()


def padded(size: int) -> bytes:
    """A valid registration of `size` bytes."""
    body = body_of()
    return body + b" " * (size - len(body))


NOT_JSON = {
    "empty": b"",
    "blank": b"  ",
    "cut": b'{"email": "taro@example.com"',
    "form": b"email=taro@example.com",
    "trailing": b"{} {}",
    "single quotes": b"{'email': 'a'}",
    "NaN": b'{"email": NaN}',
    "Infinity": b'{"email": Infinity}',
    "not UTF-8": b'{"email": "\xff"}',
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "Shift_JIS": '{"last_name": "山田"}'.encode("shift_jis"),
    "NUL": b"\x00",
    "too deep": b"[" * 20_000,
    "deep objects": b'{"a":' * 8_000,
    "text": '"山田"'.encode(),
    "list": b"[]",
    "null": b"null",
    "number": b"1",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.asyncio(loop_scope="session")
async def test_what_is_not_a_json_object_is_400(untouched: World, body: bytes) -> None:
    assert_problem(await send(untouched, body), 400)
    await assert_nothing_happened(untouched)


@pytest.mark.parametrize("size", [LIMIT + 1, 5 * LIMIT, 15 * LIMIT])
@pytest.mark.asyncio(loop_scope="session")
async def test_a_body_over_64_kib_is_413(untouched: World, size: int) -> None:
    assert_problem(await send(untouched, padded(size)), 413)
    await assert_nothing_happened(untouched)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_body_over_64_kib_is_413_without_a_content_length(untouched: World) -> None:
    async def pieces() -> Any:
        for _ in range(10):
            yield b" " * (LIMIT // 8)

    headers = {"Content-Type": "application/json"}
    url = untouched.url + "/v1/registrations"
    async with untouched.session.post(url, data=pieces(), headers=headers) as response:
        assert_problem(await Reply.of(response), 413)
    await assert_nothing_happened(untouched)


async def test_a_body_of_just_64_kib_is_taken(quiet: World) -> None:
    assert (await send(quiet, padded(LIMIT))).status == 201


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"],
)
@pytest.mark.asyncio(loop_scope="session")
async def test_what_is_not_sent_as_json_is_415(untouched: World, content_type: str | None) -> None:
    assert_problem(await send(untouched, body_of(), content_type), 415)
    await assert_nothing_happened(untouched)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_known_by_its_media_type_alone(quiet: World, content_type: str) -> None:
    assert (await send(quiet, body_of(), content_type)).status == 201
