"""The owner's door for other commands of this machine: a Unix socket beside the database file.

Listings are the HTTP API's own; what takes time streams its progress (`stream`).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.app import Core
from gateway.http import deliveries as listings
from gateway.http.access import CallerAccess
from gateway.http.control import (
    backfill,
    backup,
    database,
    deliveries,
    duplicates,
    links,
    points,
    privacy,
    removals,
    shop,
)
from gateway.http.control.guard import guarded
from gateway.http.control.stream import STOPPING, stream
from gateway.http.forms import NotJsonError, parse_json
from gateway.http.keys import ACCESS, CORE
from gateway.http.middleware import CALLER, problems, read_body, respond
from gateway.responses.bodies import Answer, problem
from gateway.wording import Text

__all__ = ["control_application", "yielding"]


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
    app[ACCESS] = CallerAccess(lambda: core.live.current.gateway)
    app[STOPPING] = stopping
    for room in (
        listings,
        deliveries,
        backfill,
        backup,
        database,
        duplicates,
        links,
        points,
        privacy,
        removals,
        shop,
    ):
        app.add_routes(room.routes)
    app.add_routes([yielding(make_way), *routes])
    return app


@routes.post("/control/members/refresh")
async def refresh_members(request: web.Request) -> web.StreamResponse:
    return await stream(request, request.app[CORE].smaregi.refresh_members())


@routes.post("/control/secret/rotate")
async def rotate_secret(request: web.Request) -> web.StreamResponse:
    try:
        newest = str(parse_json(await read_body(request)).get("newest"))
    except NotJsonError as error:
        return respond(problem(422, "invalid-data", error.detail))
    return await stream(request, request.app[CORE].rotation.run(newest))


def yielding(make_way: Callable[[], bool]) -> web.RouteDef:
    """Where a starting `serve` asks for the file."""

    async def ask(request: web.Request) -> web.Response:  # noqa: ARG001
        if make_way():
            return respond(Answer(202, b"{}"))
        return respond(
            problem(409, "owned", Text.english("A gateway serves from this database file already."))
        )

    return web.post("/control/yield", ask)
