"""What comes over a real socket: garbage, repetition of reads, time limits."""

import asyncio

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Access, Call, Wire, session
from tests.wire.raw_server import Server, call, http

GARBAGE = {
    "nothing": (b"", ErrorClass.CONNECTION),
    "not HTTP": (b"220 mail.example.com ESMTP\r\n\r\n", ErrorClass.UNEXPECTED),
    "a broken status": (b"HTTP/1.1 abc X\r\n\r\n", ErrorClass.UNEXPECTED),
    "an endless header": (
        b"HTTP/1.1 200 X\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        ErrorClass.UNEXPECTED,
    ),
    "half a body": (http(b"{}", "Content-Length: 100"), ErrorClass.CONNECTION),
    "half a head": (b"HTTP/1.1 200 X\r\nContent-Le", ErrorClass.CONNECTION),
    "broken chunks": (
        http(b"zz\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        None,
    ),
    "broken gzip": (http(b"not gzip at all", "Content-Encoding: gzip"), None),
    "two lengths": (http(b"{}", "Content-Length: 2", "Content-Length: 3"), None),
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("access", list(Access))
async def test_bytes_that_are_no_answer_are_an_upstream_error(name: str, access: Access) -> None:
    said, expected = GARBAGE[name]
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        with pytest.raises(UpstreamError) as caught:
            await wire.send(call(access, server.url))
    if expected is not None:
        assert caught.value.error_class is expected


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_that_is_too_large_is_refused(
    chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_BODY", 1000)
    body = b"x" * 5000
    said = http(body)
    if chunked:
        said = http(b"1388\r\n" + body + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked")
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        with pytest.raises(UpstreamError, match="too large"):
            await wire.send(call(Access.WRITE, server.url))


@pytest.mark.parametrize("first", [b"", http(b"", status=502), http(b"", status=503)])
async def test_a_read_is_repeated_once_inside_the_deadline(first: bytes) -> None:
    answers = [first, http(b"{}")]
    async with Server(answers).listening() as server, Wire(lambda: 2.0) as wire:
        answer = await wire.send(call(Access.READ, server.url))
    assert (answer.status, server.connections) == (200, 2)


async def ended(wire: Wire, sent: Call) -> int | ErrorClass:
    """The status of the answer, or the class of the error."""
    try:
        return (await wire.send(sent)).status
    except UpstreamError as error:
        return error.error_class


@pytest.mark.parametrize("said", [b"", http(b"", status=503)])
async def test_a_read_is_repeated_no_more_than_once(said: bytes) -> None:
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        end = await ended(wire, call(Access.READ, server.url))
    assert end in {ErrorClass.CONNECTION, 503}
    assert server.connections == 2


@pytest.mark.parametrize("said", [b"", http(b"", status=502), http(b"", status=503)])
async def test_a_write_is_never_repeated(said: bytes) -> None:
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        end = await ended(wire, call(Access.WRITE, server.url))
    assert end in {ErrorClass.CONNECTION, 502, 503}
    assert server.connections == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500])
async def test_statuses_that_another_try_would_not_change_are_not_repeated(status: int) -> None:
    said = http(b"{}", status=status)
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        assert (await wire.send(call(Access.READ, server.url))).status == status
    assert server.connections == 1


async def test_the_time_limit_covers_a_read_with_its_repetition() -> None:
    server = Server([b""], pause=0.2)
    async with server.listening(), Wire(lambda: 0.3) as wire:
        began = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamError) as caught:
            await wire.send(call(Access.READ, server.url))
        assert asyncio.get_running_loop().time() - began < 0.6
    assert caught.value.error_class is ErrorClass.TIMEOUT


async def test_redirects_are_not_followed() -> None:
    said = http(b"", "Location: http://127.0.0.1:1/elsewhere", status=302)
    async with Server([said]).listening() as server, Wire(lambda: 2.0) as wire:
        assert (await wire.send(call(Access.READ, server.url))).status == 302
