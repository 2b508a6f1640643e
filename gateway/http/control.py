"""The owner's door for other commands of this machine: a Unix socket beside the database file.

Listings are the HTTP API's own; what takes time streams its progress as lines of JSON, ending with
`end`, or with `yielded` when this owner makes way for a starting `serve` and the client goes on
with the next owner.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from gateway.answers import Answer, delivery_row, iso, problem
from gateway.app import Core
from gateway.backfill import BackfillOptions
from gateway.delivery import ReplayOptions
from gateway.http import deliveries, duplicates_control, guard_control
from gateway.http.access import Access
from gateway.http.forms import FormError, NotJsonError, parse_json
from gateway.http.guard_control import guarded, require_known
from gateway.http.keys import ACCESS, CORE
from gateway.http.mending_control import mending_routes
from gateway.http.middleware import CALLER, problems, respond
from gateway.outcomes import DeliveryFilter
from gateway.shopify import Created
from gateway.store import listing

__all__ = ["YIELD", "control_application"]

YIELD: web.AppKey[Callable[[], bool]] = web.AppKey("yield")
_STOPPING: web.AppKey[asyncio.Event] = web.AppKey("stopping", asyncio.Event)

_REPLAY = frozenset({"limit", "rate", "concurrency", "dry_run", "recreate", "began"})
_BACKFILL = frozenset({"dry_run", "yes_send_mail"})
_LAST_EVENT = 5.0
"""Seconds for an attempt under way to be told of when this owner has to go."""

routes = web.RouteTableDef()


def control_application(
    core: Core, stopping: asyncio.Event, make_way: Callable[[], bool]
) -> web.Application:
    """`make_way()` is true if this owner gives the file up to whoever asks."""

    @web.middleware
    async def trusted(request: web.Request, handler: Any) -> web.StreamResponse:
        request[CALLER] = "control"
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=(problems, trusted, guarded))
    app[CORE] = core
    app[ACCESS] = Access(lambda: core.live.current.gateway)
    app[YIELD] = make_way
    app[_STOPPING] = stopping
    app.add_routes(deliveries.routes)
    app.add_routes(duplicates_control.routes)
    app.add_routes(guard_control.routes)
    app.add_routes(mending_routes(_stream))
    app.add_routes(routes)
    return app


@routes.get("/control/deliveries/{id}")
async def show(request: web.Request) -> web.Response:
    text = request.match_info["id"]
    core = request.app[CORE]
    found = (
        await core.db.read(
            lambda db: (listing.get(db, int(text)), listing.attempts_of(db, int(text)))
        )
        if text.isascii() and text.isdigit() and len(text) < 19
        else (None, [])
    )
    delivery, attempts = found
    if delivery is None:
        return respond(problem(404, "not-found", "There is no delivery with this id."))
    shown = [
        {**a, "started_at": iso(a["started_at"]), "counted": bool(a["counted"])} for a in attempts
    ]
    return respond(Answer(200, orjson.dumps(delivery_row(delivery) | {"tries": shown})))


async def _chosen(
    request: web.Request, also: frozenset[str]
) -> tuple[DeliveryFilter, dict[str, Any]]:
    """The filter in the body, and the body."""
    try:
        body = parse_json(await request.read())
    except NotJsonError as error:
        raise FormError([{"field": "", "message": str(error)}]) from None
    channels = tuple(request.app[CORE].deliverer.routes)
    return deliveries.read_filter(body, channels, also), body


@routes.post("/control/discard")
async def discard(request: web.Request) -> web.Response:
    core = request.app[CORE]
    try:
        chosen, body = await _chosen(request, frozenset())
    except FormError as error:
        return deliveries.wrong_filter(error)
    if not body:
        return respond(problem(422, "invalid-data", "Name what is to be discarded."))
    return respond(Answer(200, orjson.dumps({"count": await core.discard_all(chosen)})))


@routes.post("/control/replay")
async def replay(request: web.Request) -> web.StreamResponse:
    core = request.app[CORE]
    try:
        chosen, body = await _chosen(request, _REPLAY)
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
    return await _stream(request, core.replay.run(options, request.app[_STOPPING]))


@routes.post("/control/backfill")
async def backfill(request: web.Request) -> web.StreamResponse:
    core = request.app[CORE]
    try:
        options = _backfill_options(*await _chosen(request, _BACKFILL))
    except FormError as error:
        return deliveries.wrong_filter(error)
    await require_known(core, options.channel)
    reason = core.backfill.refusal(options)
    if reason is not None:
        return respond(problem(409, "refused", reason))
    return await _stream(request, core.backfill.run(options, request.app[_STOPPING]))


def _backfill_options(chosen: DeliveryFilter, body: dict[str, Any]) -> BackfillOptions:
    if len(chosen.channels) != 1:
        raise FormError([{"field": "channel", "message": "should be one channel"}])
    return BackfillOptions(
        chosen.channels[0],
        Created(chosen.since, chosen.until),
        dry_run=bool(body.get("dry_run")),
        yes_send_mail=bool(body.get("yes_send_mail")),
    )


@routes.post("/control/members/refresh")
async def refresh_members(request: web.Request) -> web.StreamResponse:
    return await _stream(request, request.app[CORE].smaregi.refresh_members())


@routes.post("/control/secret/rotate")
async def rotate_secret(request: web.Request) -> web.StreamResponse:
    try:
        newest = str(parse_json(await request.read()).get("newest"))
    except NotJsonError as error:
        return respond(problem(422, "invalid-data", str(error)))
    return await _stream(request, request.app[CORE].rotation.run(newest))


@routes.post("/control/yield")
async def make_way(request: web.Request) -> web.Response:
    """A starting `serve` asks for the file."""
    if request.app[YIELD]():
        return respond(Answer(202, b"{}"))
    return respond(problem(409, "owned", "A gateway serves from this database file already."))


async def _stream(
    request: web.Request, events: AsyncIterator[dict[str, Any]]
) -> web.StreamResponse:
    """Lines of JSON until the end, or until this owner has to go."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    with suppress(ConnectionError):  # a client that has what it wanted, or was killed
        await _write_events(request, response, events)
        await response.write_eof()
    return response


async def _write_events(
    request: web.Request, response: web.StreamResponse, events: AsyncIterator[dict[str, Any]]
) -> None:
    """When this owner has to go, what is under way gets a moment to be told, then `yielded`."""
    stopping = asyncio.create_task(request.app[_STOPPING].wait())
    event: dict[str, Any] | None = {}
    try:
        while event is not None and event.get("event") != "end":
            upcoming = asyncio.ensure_future(anext(events, None))
            await asyncio.wait({upcoming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                await asyncio.wait({upcoming}, timeout=_LAST_EVENT)
            event = upcoming.result() if upcoming.done() else None
            if not upcoming.done():
                upcoming.cancel()
            if event is not None:
                await response.write(orjson.dumps(event) + b"\n")
        if event is None:
            await response.write(orjson.dumps({"event": "yielded"}) + b"\n")
    finally:
        stopping.cancel()
