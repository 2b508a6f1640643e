"""One stand-in on one port: HTTP in front, its delays, faults and journal around each request."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from gateway.sandbox.call import Call, Description, StandInAnswer, Upstream
from gateway.sandbox.faults import Armed, Delays, Faults
from gateway.sandbox.journal import Asked, Journal, JournalEntry
from gateway.sandbox.listener import Listener, reset

_GARBAGE = b"<html><body>502 Bad Gateway</body></html>\xff\xfe"
_GONE_CHECK = 0.25  # seconds between two looks whether a client that hangs has gone away


@dataclass(slots=True)
class _Exchange:
    """A request under way. `finish` applies it and writes the journal."""

    request: web.BaseRequest
    call: Call
    what: Description
    received: float


class Endpoint:
    """Serves one `Upstream`. `system` is its name in faults, delays and journal."""

    def __init__(
        self,
        system: str,
        upstream: Upstream,
        faults: Faults,
        delays: Delays,
        journal: Journal,
        *,
        host: str,
        port: int,
    ) -> None:
        self._system = system
        self._upstream = upstream
        self._faults = faults
        self._delays = delays
        self._journal = journal
        self._host = host
        self._port = port
        self._late: set[asyncio.Task[None]] = set()
        self._server: web.Server | None = None
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        if self._listener is None:
            raise RuntimeError("the sandbox is not started")
        return f"http://{self._listener.host}:{self._listener.port}"

    async def start(self) -> None:
        self._server = web.Server(self._handle, access_log=None)
        self._listener = Listener(self._server, self._cut, self._host, self._port)
        await self._listener.open()
        self._faults.watch(self._system, self._listener.refuse)

    async def stop(self) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        if self._listener is not None:
            await self._listener.close()
        if self._server is not None:
            await self._server.shutdown(0.1)

    def _cut(self) -> None:
        if self._server is not None:
            for connection in self._server.connections:
                reset(connection.transport)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        received = time.time()
        call = await Call.of(request)
        what = self._upstream.describe(call)
        self._journal.asked.add(Asked(self._system, what.operation, what.names))
        exchange = _Exchange(request, call, what, received)
        if seconds := self._delays.of(self._system, what.kind):
            await asyncio.sleep(seconds)
        armed = self._faults.take(self._system, what.labels, lambda _: what.kind != "token")
        if armed is None:
            return _response(self._finish(exchange))
        return await self._misbehave(exchange, armed)

    async def _misbehave(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        actions: dict[str, Callable[[_Exchange, Armed], Awaitable[web.StreamResponse]]] = {
            "reset": self._reset,
            "hang": self._hang,
            "status": self._say,
            "garbage": self._say,
            "throttle": self._throttle,
            "half": self._half,
            "drop": self._drop,
            "late": self._later,
            "slow": self._slow,
        }
        return await actions[armed.fault.kind](exchange, armed)

    async def _reset(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        self._silent(exchange, armed, armed.fault.applies)
        reset(exchange.request.transport)
        return web.Response()

    async def _hang(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        while exchange.request.transport is not None:
            try:
                await asyncio.wait_for(armed.cleared.wait(), _GONE_CHECK)
            except TimeoutError:
                continue
            return _response(self._finish(exchange, armed))
        self._silent(exchange, armed, armed.fault.applies)
        return web.Response()

    async def _say(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        fault = armed.fault
        answer = StandInAnswer(
            fault.status, {} if fault.body is None else fault.body, fault.headers
        )
        if fault.kind == "garbage":
            answer = StandInAnswer(200, _GARBAGE, fault.headers)
        elif isinstance(fault.body, str):
            answer = replace(answer, body=fault.body.encode())
        return _response(self._finish(exchange, armed, said=answer))

    async def _throttle(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        answer = self._upstream.throttled(exchange.call, armed.fault.retry_after)
        return _response(self._finish(exchange, armed, said=answer))

    async def _half(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        answer = StandInAnswer(200, {"data": {}})
        answer = self._finish(exchange, armed, said=None if armed.fault.applies else answer)
        payload = answer.payload()
        head = (
            f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(payload) + 64}\r\n\r\n"
        )
        if transport := exchange.request.transport:
            transport.write(head.encode() + payload[: len(payload) // 2 + 1])
        return _close(exchange.request)

    async def _drop(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        self._silent(exchange, armed, applies=True)
        return _close(exchange.request)

    async def _later(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        task = asyncio.get_running_loop().create_task(self._apply_late(exchange, armed))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return _close(exchange.request)

    async def _apply_late(self, exchange: _Exchange, armed: Armed) -> None:
        await asyncio.sleep(armed.fault.delay)
        self._silent(exchange, armed, applies=True)

    async def _slow(self, exchange: _Exchange, armed: Armed) -> web.StreamResponse:
        answer = self._finish(exchange, armed)
        await asyncio.sleep(armed.fault.delay)
        return _response(answer)

    def _silent(self, exchange: _Exchange, armed: Armed, applies: bool) -> None:
        """Settles a request whose answer nobody gets."""
        said = StandInAnswer(0, None)
        if applies:
            done = self._upstream.answer(exchange.call)
            said = replace(said, applied=done.applied, target=done.target)
        self._write(exchange, said, armed)

    def _finish(
        self, exchange: _Exchange, armed: Armed | None = None, said: StandInAnswer | None = None
    ) -> StandInAnswer:
        """Applies the request and gives its answer; `said` is what a fault says instead."""
        if said is None:
            answer = self._upstream.answer(exchange.call)
        elif armed is not None and armed.fault.applies:
            done = self._upstream.answer(exchange.call)
            answer = replace(said, applied=done.applied, target=done.target)
        else:
            answer = said
        self._write(exchange, answer, armed)
        return answer

    def _write(self, exchange: _Exchange, answer: StandInAnswer, armed: Armed | None) -> None:
        now = time.time()
        self._journal.add(
            JournalEntry(
                time=now,
                seconds=now - exchange.received,
                system=self._system,
                operation=exchange.what.operation,
                kind=exchange.what.kind,
                status=answer.status,
                applied=answer.applied,
                target=answer.target,
                fault=armed.fault.kind if armed else None,
            )
        )


def _response(answer: StandInAnswer) -> web.Response:
    body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
    if answer.status == 204:
        body = b""
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return web.Response(status=answer.status, body=body, headers=headers)


def _close(request: web.BaseRequest) -> web.Response:
    """Closes without an answer; what aiohttp then tries to write has nowhere to go."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()
