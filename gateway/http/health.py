"""GET /healthz, /readyz and /metrics."""

import orjson
from aiohttp import web

from gateway.app.identity import SHOP
from gateway.errors import StorageError
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, problem
from gateway.responses.problems import another_shop
from gateway.wording import Detail

__all__ = ["METRICS", "routes"]

METRICS = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}

routes = web.RouteTableDef()


@routes.get("/healthz")
async def alive(_: web.Request) -> web.Response:
    return respond(Answer(200, orjson.dumps({"status": "ok"})))


@routes.get("/readyz")
async def ready(request: web.Request) -> web.Response:
    """The settings were checked at the start; the rest is known, however busy the database is."""
    try:
        await request.app[CORE].readiness.require()
    except StorageError as error:
        detail = Detail.DATABASE_UNFIT.text.within(hint=error.hint)
        return respond(problem(503, "not-ready", detail))
    if request.app[CORE].identities.difference(SHOP):
        return respond(another_shop())
    return respond(Answer(200, orjson.dumps({"status": "ready"})))


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    text = await request.app[CORE].metrics_text()
    return web.Response(body=text, headers=METRICS)
