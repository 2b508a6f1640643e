"""The one place where aiohttp's exceptions are translated, and the dry run's guard."""

import asyncio
import inspect
import ssl
import time
from email.utils import formatdate
from typing import Any

import aiohttp
import pytest
from aiohttp import client_exceptions

from gateway.errors import DryRunStop, ErrorClass, UpstreamError
from gateway.wire import Access, Call, Edge, UpstreamAnswer, Wire, dry_run
from gateway.wire.session import class_of_status, retry_after
from tests.wire.raw_server import KeptOpen, Server, call, http

SECRET = "taro@example.com"


def made(kind: type[BaseException]) -> BaseException:
    """An exception of that kind, whatever its constructor wants, with data in its text."""
    error = kind.__new__(kind, SECRET)
    error.args = (SECRET,)
    for name in ("_conn_key", "_os_error", "message", "status", "_url", "os_error", "history"):
        try:
            setattr(error, name, OSError(SECRET) if "os_error" in name else None)
        except AttributeError:
            continue
    return error


FOREIGN = [
    *(
        kind
        for name, kind in inspect.getmembers(client_exceptions, inspect.isclass)
        if name in client_exceptions.__all__ and not name.startswith("WS")
    ),
    TimeoutError,
    ConnectionResetError,
    BrokenPipeError,
    OSError,
    ssl.SSLError,
    ValueError,
    UnicodeError,
]


@pytest.mark.parametrize("access", Access)
async def test_what_is_sent_while_the_gateway_stops_certainly_came_to_nothing(
    access: Access,
) -> None:
    """A call that answered late is followed by another one, after the last connection is gone."""
    async with Wire(lambda: 1.0) as wire:
        pass
    with pytest.raises(UpstreamError) as caught:
        await wire.send(call(access))
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.CONNECTION, False)


@pytest.mark.parametrize(("access", "applied"), [(Access.READ, False), (Access.WRITE, None)])
async def test_what_is_under_way_when_the_gateway_stops_is_a_lost_connection(
    access: Access, applied: bool | None
) -> None:
    """A read whose connection is cut would be sent again, and there is nothing to send it with."""
    async with Server([b""], pause=20.0).listening() as server:
        async with Wire(lambda: 30.0) as wire:
            sending = asyncio.create_task(wire.send(call(access, server.url)))
            while not server.requests:
                await asyncio.sleep(0.001)
        with pytest.raises(UpstreamError) as caught:
            await sending
    assert (caught.value.error_class, caught.value.applied) == (ErrorClass.CONNECTION, applied)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
async def test_no_foreign_exception_is_left_over(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise made(kind)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", broken)
    async with Wire(lambda: 1.0) as wire:
        with pytest.raises(UpstreamError) as caught:
            await wire.send(call(Access.WRITE))
    assert caught.value.error_class in ErrorClass
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("error", "expected", "applied"),
    [
        (TimeoutError(), ErrorClass.TIMEOUT, None),
        (aiohttp.ServerTimeoutError(), ErrorClass.TIMEOUT, None),
        (made(aiohttp.ClientConnectorError), ErrorClass.CONNECTION, False),
        (aiohttp.ServerDisconnectedError(), ErrorClass.CONNECTION, None),
        (aiohttp.ClientOSError(), ErrorClass.CONNECTION, None),
        (aiohttp.ClientPayloadError(), ErrorClass.CONNECTION, None),
        (made(aiohttp.ClientResponseError), ErrorClass.UNEXPECTED, None),
    ],
)
async def test_a_write_that_got_no_answer_may_have_been_carried_out(
    error: Exception,
    expected: ErrorClass,
    applied: bool | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(aiohttp.ClientSession, "_request", broken)
    async with Wire(lambda: 1.0) as wire:
        with pytest.raises(UpstreamError) as caught:
            await wire.send(call(Access.WRITE))
        with pytest.raises(UpstreamError) as read:
            await wire.send(call(Access.READ))
    assert (caught.value.error_class, caught.value.applied) == (expected, applied)
    assert read.value.applied is False


async def test_a_dry_run_stops_a_write_before_anything_leaves() -> None:
    async with Server([http(b"{}")]).listening() as server, Wire(lambda: 2.0) as wire:
        dry_run.set(True)
        with pytest.raises(DryRunStop) as caught:
            await wire.send(call(Access.WRITE, server.url))
        assert server.connections == 0
        await wire.send(call(Access.READ, server.url))
    assert "find contact" in caught.value.operation
    assert server.connections == 1


def test_the_guard_lets_reads_through_and_writes_outside_a_dry_run() -> None:
    Edge().admit(Access.WRITE, "SMTP DATA")
    token = dry_run.set(True)
    Edge().admit(Access.READ, "search")
    with pytest.raises(DryRunStop):
        Edge().admit(Access.WRITE, "SMTP DATA")
    dry_run.reset(token)


def test_a_call_that_declares_nothing_cannot_be_built() -> None:
    with pytest.raises(TypeError):
        Call("crm", "x", method="GET", url="http://127.0.0.1/")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("-3", 0.0), ("", None), ("soon", None)],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}) == seconds


@pytest.mark.parametrize(("ahead", "expected"), [(120, 120.0), (-120, 0.0)])
def test_retry_after_as_a_date(ahead: float, expected: float) -> None:
    text = formatdate(time.time() + ahead, usegmt=True)
    assert retry_after({"Retry-After": text}) == pytest.approx(expected, abs=2.0)


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "Fri, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_no_time_to_wait_for(text: str) -> None:
    found = retry_after({"Retry-After": text})
    assert found is None or 0 <= found < 10**9


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.INVALID_DATA),
        (401, ErrorClass.AUTH),
        (403, ErrorClass.AUTH),
        (404, ErrorClass.INVALID_DATA),
        (408, ErrorClass.TIMEOUT),
        (409, ErrorClass.DUPLICATE),
        (423, ErrorClass.UNAVAILABLE),
        (425, ErrorClass.UNAVAILABLE),
        (499, ErrorClass.UNAVAILABLE),
        (429, ErrorClass.RATE_LIMIT),
        (430, ErrorClass.RATE_LIMIT),
        (500, ErrorClass.UNAVAILABLE),
        (503, ErrorClass.UNAVAILABLE),
        (302, ErrorClass.UNEXPECTED),
    ],
)
def test_the_class_follows_from_the_status(status: int, expected: ErrorClass) -> None:
    assert class_of_status(status) is expected


CERTAIN = {401, 402, 403, 404, 422, 429}


@pytest.mark.parametrize("status", [*range(400, 452), 477, 499, *range(500, 512), 520, 524, 599])
def test_only_a_short_list_of_answers_says_that_nothing_was_written(status: int) -> None:
    """Some of the others come from whoever stands in between, some from what is there already."""
    written = UpstreamAnswer(call(Access.WRITE), status, {}, b"").error()
    assert written.applied is (False if status in CERTAIN else None)
    assert UpstreamAnswer(call(Access.READ), status, {}, b"").error().applied is False


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (b"", ErrorClass.CONNECTION),
        (b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", ErrorClass.TIMEOUT),
    ],
    ids=["closed", "408"],
)
async def test_a_kept_connection_that_ends_as_we_write_is_unclear_and_the_write_is_not_repeated(
    last: bytes, expected: ErrorClass
) -> None:
    async with KeptOpen(last).listening() as server, Wire(lambda: 2.0) as wire:
        assert (await wire.send(call(Access.WRITE, server.url))).status == 200
        with pytest.raises(UpstreamError) as caught:
            raise (await wire.send(call(Access.WRITE, server.url))).error()
    assert (caught.value.error_class, caught.value.applied) == (expected, None)
    assert (server.connections, server.requests) == (1, 2)
