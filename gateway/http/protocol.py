"""Connections: how long they may be silent, and requests that are not proper HTTP.

aiohttp waits an hour for a head, inflates bodies by itself, and reads a refused body for ten
seconds. What is not proper HTTP never reaches the application, nor our middlewares; aiohttp would
quote its bytes, a bearer key among them, in its answer and in its log. Here both hold no more than
the kind of error.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Any, cast

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler

from gateway.http.connections import Connections
from gateway.http.middleware import respond
from gateway.responses.bodies import problem
from gateway.wording import Detail

__all__ = ["Runner"]

log = logging.getLogger("gateway.http")

HEAD_SECONDS = 15.0
"""For the head of a request, from the connection or its first byte on."""
IDLE_SECONDS = 75.0
"""Between two requests of one connection; proxies keep theirs for 60."""
ANSWER_SECONDS = 30.0
"""For a caller to take what we send."""
LARGEST_HEAD = 32 * 1024
_MOST_HEADERS = 64
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1024 * 1024
"""What a caller still sends is read a little longer: otherwise they may miss our answer."""


class _Handler(RequestHandler):
    __slots__ = ("_door", "_head_size", "_heads", "_timer")

    def __init__(self, door: Connections, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._door = door
        self._heads = 0
        self._head_size = 0
        self._timer: asyncio.TimerHandle | None = None

    # -- the life of a connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        if not self._door.admit(self, peer[0] if isinstance(peer, tuple) else ""):
            self._manager = None  # so that aiohttp begins nothing of its own
            _refuse(cast(asyncio.Transport, transport))
            return
        super().connection_made(transport)
        self._wait(HEAD_SECONDS, "slow_head")

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wait_no_more()
        self._door.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._request_count != self._heads:
            self._heads = self._request_count
            self._head_size = 0
            self._wait_no_more()
            self._door.speaks(self)
        elif data and self.may_go():
            self._head_size += len(data)
            if self._timer is None:
                self._wait(HEAD_SECONDS, "slow_head")
            if self._head_size > LARGEST_HEAD:
                self._cut("large_head")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_no_more()
        self._wait(ANSWER_SECONDS, "unread")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._wait_no_more()

    def may_go(self) -> bool:
        """Whether the next request's head is waited for."""
        return self._waiter is not None and not self._waiter.done()

    def leave(self) -> None:
        """Closes at once, whatever may still be sent."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def force_close(self) -> None:
        """A peer that reads nothing must not keep a closed connection open."""
        transport = self.transport
        super().force_close()
        if transport is not None and transport.get_write_buffer_size():
            self._loop.call_later(_LINGER_SECONDS, transport.abort)

    def _wait(self, seconds: float, reason: str) -> None:
        self._timer = self._loop.call_later(seconds, self._cut, reason)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, reason: str) -> None:
        self._wait_no_more()
        self._door.end(reason)
        self.leave()

    # -- answers

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        body, status = request.content, resp.status
        if status == 417 and isinstance(resp, web.HTTPExpectationFailed):
            resp = self.handle_error(request, 400, resp)  # aiohttp's own quotes the header
        elif status in {408, 413, 415} and not body.is_eof():
            resp.force_close()
        ended = await super().finish_response(request, resp, start_time)
        if not body.is_eof():
            await _linger(body)
        self._door.rests(self)
        return ended

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it may quote the request
    ) -> web.StreamResponse:
        log.info("a request that is not proper HTTP: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        known = status if 400 <= status < 500 else 400
        response = respond(problem(known, "bad-request", Detail.NOT_HTTP))
        response.headers["X-Request-Id"] = secrets.token_hex(8)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Server"] = "gateway"
        response.force_close()
        return response

    def log_exception(self, *_: object, **__: object) -> None:
        """An error that our middlewares did not see is the connection's own, and its text may quote
        bytes.
        """
        log.debug("a connection ended badly")


async def _linger(body: StreamReader) -> None:
    """Reads and forgets what still arrives; a body that goes on after that is cut off."""
    left = _LINGER_BYTES
    with suppress(TimeoutError, ConnectionError, web.RequestPayloadError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0 and not body.is_eof():
                left -= len(await body.readany())


def _refuse(transport: asyncio.Transport) -> None:
    """Answers without reading, since there is no room for the connection."""
    answer = problem(503, "too-many-connections", Detail.CONNECTIONS_FULL, retry_after=1)
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(answer.body)}\r\nRetry-After: {answer.headers['Retry-After']}\r\n"
        f"X-Request-Id: {secrets.token_hex(8)}\r\nX-Content-Type-Options: nosniff\r\n"
        "Server: gateway\r\nConnection: close\r\n\r\n"
    )
    transport.write(head.encode() + answer.body)
    transport.close()


class _Server(web.Server):
    door: Connections

    def __call__(self) -> RequestHandler:
        return _Handler(self.door, self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """An AppRunner whose connections are bounded, and answered by us where a request is broken."""

    def __init__(self, app: web.Application, door: Connections, **options: Any) -> None:
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=0,
            max_headers=_MOST_HEADERS,
            **options,
        )
        self._door = door

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server  # aiohttp has no setting for the handler's class
        assert isinstance(server, _Server)  # noqa: S101 - it just became one
        server.door = self._door
        return server
