"""Between the gateway and the stand-ins: no sockets, and every way in which a request can end."""

import asyncio
import errno
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

import aiohttp
import orjson
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict
from yarl import URL

from gateway.sandbox.call import Call as Asked
from gateway.sandbox.call import Description, Upstream
from gateway.sandbox.call import StandInAnswer as Said
from gateway.wire import Access, Call, UpstreamAnswer, Wire

__all__ = ["AFTER_THE_EFFECT", "Fate", "Network", "Request", "VirtualWire"]

AFTER_THE_EFFECT = (400, 408, 409, 410, 423, 425, 430, 499, 500, 502, 503, 504)
"""Statuses that somebody in between, or a system that is in trouble, says of what was done."""
BEFORE_IT = (*AFTER_THE_EFFECT, 401, 402, 403, 404, 422, 429)
DENIED = {"message": "denied", "extensions": {"code": "ACCESS_DENIED"}}
BROKEN = {"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: whether it is carried out, `effect` seconds after it was sent,
    and what is heard of it `answer` seconds after it was sent (None: nothing, ever).

    `says`: plain (the stand-in's own answer), refused, cut, half, garbage, throttled, status,
    denied (Shopify's error beside what was done) or broken (its error instead of it).
    """

    effect: float
    answer: float | None
    says: str = "plain"
    applied: bool = True
    status: int = 500


class Request(NamedTuple):
    """What the weather, the trace and the judge see of one."""

    time: float
    system: str
    what: Description
    fate: Fate
    status: int
    applied: bool
    target: str | None


Weather = Callable[[str, Description], Fate]


class Network:
    """Routes by host name. `heard` is told of each request as it is carried out or refused."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstreams: Mapping[str, Upstream],
        weather: Weather,
        heard: Callable[[Request], None],
    ) -> None:
        self._loop = loop
        self._upstreams = upstreams
        self._weather = weather
        self._heard = heard
        self._context = Context()  # nobody's: what is on its way arrives whoever has died

    def send(self, call: Call) -> "asyncio.Future[tuple[int, Mapping[str, str], bytes]]":
        url = URL(call.url).update_query(dict(call.params or {}))
        system = str(url.host)
        upstream = self._upstreams[system]
        asked = _asked(call, url)
        what = upstream.describe(asked)
        fate = self._weather(system, what)
        heard: asyncio.Future[tuple[int, Mapping[str, str], bytes]] = self._loop.create_future()
        exchange = _Exchange(self, system, upstream, asked, what, fate, heard)
        if fate.applied:
            self._loop.call_later(fate.effect, exchange.apply, context=self._context)
        if fate.answer is not None:
            at = max(fate.answer, fate.effect if fate.says == "plain" else 0.0)
            self._loop.call_later(at, exchange.answer, context=self._context)
        return heard

    def note(self, exchange: "_Exchange", status: int, said: Said | None) -> None:
        applied, target = (said.applied, said.target) if said else (False, None)
        self._heard(
            Request(
                self._loop.time(),
                exchange.system,
                exchange.what,
                exchange.fate,
                status,
                applied,
                target,
            )
        )


@dataclass(slots=True)
class _Exchange:
    network: Network
    system: str
    upstream: Upstream
    asked: Asked
    what: Description
    fate: Fate
    heard: "asyncio.Future[tuple[int, Mapping[str, str], bytes]]"
    done: Said | None = None

    def apply(self) -> None:
        if self.done is None:
            self.done = self.upstream.answer(self.asked)
            self.network.note(self, self.done.status, self.done)

    def answer(self) -> None:
        if not self.fate.applied:
            self.network.note(self, self.fate.status, None)
        if not self.heard.done():
            said = self._said()
            if isinstance(said, BaseException):
                self.heard.set_exception(said)
            else:
                self.heard.set_result((said.status, CIMultiDict(said.headers), said.payload()))

    def _said(self) -> Said | BaseException:
        match self.fate.says:
            case "refused":
                return _refused()
            case "cut":
                return aiohttp.ServerDisconnectedError()
            case "half":
                return aiohttp.ClientPayloadError()
            case "garbage":
                return Said(200, b"<html>502 Bad Gateway</html>\xff")
            case "throttled":
                return self.upstream.throttled(self.asked, None)
            case "status":
                return Said(self.fate.status, {})
            case "broken":
                return Said(200, {"errors": [BROKEN]})
            case "denied":
                return self._denied()
        self.apply()
        assert self.done is not None
        body = b"" if self.done.status == 204 else self.done.payload()
        return replace(self.done, body=body)

    def _denied(self) -> Said:
        told: Any = orjson.loads(self.done.payload()).get("data") if self.done else None
        return Said(200, {"data": told, "errors": [DENIED]})


def _asked(call: Call, url: URL) -> Asked:
    headers = CIMultiDict(call.headers)
    segments = tuple(unquote(part) for part in url.raw_path.strip("/").split("/"))
    return Asked(call.method, segments, url.query, headers, call.body or b"")


def _refused() -> aiohttp.ClientConnectorError:
    key = ConnectionKey("localhost", 443, True, True, None, None, None)
    return aiohttp.ClientConnectorError(key, OSError(errno.ECONNREFUSED, "refused"))


class VirtualWire(Wire):
    """The outbound edge with `network` in place of aiohttp's session: limits, time-outs, the
    translation of errors and the one repetition of a read stay as they are.
    """

    network: Network
    dice: Random

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def _request(self, call: Call) -> UpstreamAnswer:
        if call.access is Access.READ:
            try:
                answer = await self._once(call)
            except aiohttp.ClientConnectionError:
                answer = None
            if answer is not None and answer.status not in {502, 503, 504}:
                return answer
            await asyncio.sleep(0.1)
        return await self._once(call)

    async def _once(self, call: Call) -> UpstreamAnswer:
        status, headers, body = await self.network.send(call)
        return UpstreamAnswer(call, status, headers, body)
