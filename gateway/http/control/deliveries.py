"""Deliveries, for the commands of this machine: by cause, and many discarded or sent again."""

from typing import Any

import orjson
from aiohttp import web

from gateway.app.overview import cause_row
from gateway.delivery import ReplayOptions
from gateway.http import deliveries
from gateway.http.control.guard import require_known
from gateway.http.control.stream import STOPPING, stream
from gateway.http.forms import FormError, NotJsonError, parse_json
from gateway.http.forms.delivery_filter import read_filter
from gateway.http.keys import CORE
from gateway.http.middleware import read_body, respond
from gateway.outcomes import DeliveryFilter
from gateway.responses.bodies import Answer, problem
from gateway.wording import Code, FieldError, Text

__all__ = ["chosen_of", "routes"]

_REPLAY = frozenset({"limit", "rate", "concurrency", "dry_run", "recreate", "began"})

routes = web.RouteTableDef()


@routes.get("/control/deliveries/summary")
async def summary(request: web.Request) -> web.Response:
    found = await request.app[CORE].overview.causes()
    body = {"causes": [cause_row(cause) for cause in found]}
    return respond(Answer(200, orjson.dumps(body)))


@routes.get("/control/status")
async def status(request: web.Request) -> web.Response:
    return respond(Answer(200, orjson.dumps(await request.app[CORE].overview.status())))


async def chosen_of(
    request: web.Request, also: frozenset[str]
) -> tuple[DeliveryFilter, dict[str, Any]]:
    """The filter in the body, and the body."""
    try:
        body = parse_json(await read_body(request))
    except NotJsonError as error:
        raise FormError([FieldError("", Code.FORMAT, error.detail.text)]) from None
    channels = tuple(request.app[CORE].deliverer.routes)
    return read_filter(body, channels, also), body


@routes.post("/control/discard")
async def discard(request: web.Request) -> web.Response:
    core = request.app[CORE]
    try:
        chosen, body = await chosen_of(request, frozenset())
    except FormError as error:
        return deliveries.wrong_filter(error)
    if not body:
        return respond(problem(422, "invalid-data", Text.english("Name what is to be discarded.")))
    return respond(Answer(200, orjson.dumps({"count": await core.discard_all(chosen)})))


@routes.post("/control/replay")
async def replay(request: web.Request) -> web.StreamResponse:
    core = request.app[CORE]
    try:
        chosen, body = await chosen_of(request, _REPLAY)
    except FormError as error:
        return deliveries.wrong_filter(error)
    await require_known(core, *chosen.channels)
    options = ReplayOptions(
        chosen,
        limit=body.get("limit"),
        rate=body.get("rate"),
        concurrency=body.get("concurrency") or 8,
        dry_run=bool(body.get("dry_run")),
        recreate=bool(body.get("recreate")),
        began=body.get("began"),
    )
    return await stream(request, core.replay.run(options, request.app[STOPPING]))
