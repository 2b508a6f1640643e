"""What a gateway says while it stands by."""

import asyncio
from html import escape
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from gateway.http.authorization import no_metrics
from gateway.http.health import METRICS
from gateway.http.middleware import respond, translate
from gateway.http.site import CONSOLE
from gateway.responses.bodies import Answer, problem
from gateway.telemetry.metrics import Metrics
from gateway.wording import Detail

if TYPE_CHECKING:
    from gateway.store.postgres import Lease

__all__ = ["Standby"]

_LOOK = 0.1
"""Seconds between two looks at who is active, because somebody asks."""
_PATIENCE = 0.5
_PAGE = """<!doctype html><html lang="ja"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>待機中 / Standing by</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto; padding: 0 1em">
<h1>待機中</h1><p>このゲートウェイは待機中です。{0}で稼働しているゲートウェイの管理画面を開いてください。</p>
<h1 lang="en">Standing by</h1><p lang="en">This gateway stands by. Open the console of the one that
is active, on {0}.</p></body></html>
"""


class Standby:
    """`lease` is there once the database was reached."""

    def __init__(self, metrics: Metrics) -> None:
        self.lease: Lease | None = None
        self._metrics = metrics
        self._looking: asyncio.Task[None] | None = None
        self._fresh_until = 0.0

    async def is_changing(self) -> bool:
        """Whether this one is likely to be active in a moment. Another that leaves may have said so
        since the last beat, so it is looked again before anybody is sent away.
        """
        if not self._is_known_to_change:
            await self._look()
        return self._is_known_to_change

    @property
    def _is_known_to_change(self) -> bool:
        lease = self.lease
        if lease is None or lease.seen is None:
            return False
        holder = lease.seen.holder
        return lease.mine.is_set() or holder is None or not holder.address or bool(holder.leaving)

    async def _look(self) -> None:
        """Together with all who ask in the same moment; who comes a little later knows enough."""
        now = asyncio.get_running_loop().time()
        if self.lease is None or now < self._fresh_until:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._looked(self.lease), name="a look")
        await asyncio.wait({self._looking}, timeout=_PATIENCE)

    async def _looked(self, lease: "Lease") -> None:
        await lease.look()
        self._fresh_until = asyncio.get_running_loop().time() + _LOOK

    def answer(self, request: web.Request) -> web.StreamResponse:
        refused = no_metrics(request) if request.path == "/metrics" else None
        if request.path == "/metrics" and refused is None:
            return web.Response(body=self._metrics.text(), headers=METRICS)
        if request.path == CONSOLE or request.path.startswith(f"{CONSOLE}/"):
            return self.page(request)
        response = respond(refused or _answer(request))
        translate(request, response)
        return response

    def page(self, _: web.Request) -> web.StreamResponse:
        """Of the console."""
        holder = self.lease.seen.holder if self.lease and self.lease.seen else None
        text = _PAGE.format(escape(holder.host if holder else "?"))
        response = web.Response(status=503, text=text, content_type="text/html")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["Retry-After"] = "5"
        return response


def _answer(request: web.Request) -> Answer:
    if request.path == "/healthz":
        return Answer(200, orjson.dumps({"status": "ok"}))
    return problem(503, "standby", Detail.STANDBY, retry_after=1)
