"""A caller who is killed in the middle is no fault of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import ClientConnectionResetError, StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from gateway.http.control.stream import stream
from gateway.http.middleware import HungUp, read_body


def a_body(*, ended: bool) -> StreamReader:
    """As the server leaves it when the connection is lost."""
    loop = asyncio.get_running_loop()
    body = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    body.feed_data(b'{"half')
    if ended:
        body.feed_eof()
    body.set_exception(ConnectionResetError("Connection lost"))
    return body


@pytest.mark.parametrize("ended", [False, True])
async def test_a_body_that_is_cut_short_is_a_caller_who_hung_up(ended: bool) -> None:
    request = make_mocked_request("POST", "/control/links", payload=a_body(ended=ended))
    with pytest.raises(HungUp):
        await read_body(request)


async def test_a_caller_who_is_gone_before_the_first_line_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(*_: Any) -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")

    async def events() -> AsyncIterator[dict[str, Any]]:
        yield {"event": "end"}

    monkeypatch.setattr(web.StreamResponse, "prepare", gone)
    response = await stream(Mock(spec=web.Request), events())
    assert not response.prepared
