"""The public application."""

from aiohttp import web

from gateway.app import Core
from gateway.http import (
    customers,
    deliveries,
    description,
    form_filling,
    health,
    membership,
    registrations,
    reservations,
    webhooks,
)
from gateway.http.access import CallerAccess
from gateway.http.authorization import keys
from gateway.http.keys import ACCESS, CORE
from gateway.http.middleware import problems, watch
from gateway.http.webhooks import BODIES, Bodies

__all__ = ["LARGEST_BODY", "ROOMS", "application", "guard"]

ROOMS = (
    *(registrations, form_filling, membership, reservations, customers),
    *(deliveries, webhooks),
    *(health, description),
)
"""The modules of the public address, each with its `routes`."""
LARGEST_BODY = 64 * 1024


def application(core: Core) -> web.Application:
    app = web.Application(middlewares=(watch, problems, keys), client_max_size=LARGEST_BODY)
    app.on_response_prepare.append(guard)
    app[CORE] = core
    app[ACCESS] = CallerAccess(lambda: core.live.current.gateway)
    app[BODIES] = Bodies()
    for room in ROOMS:
        app.add_routes(room.routes)
    return app


async def guard(_: web.Request, response: web.StreamResponse) -> None:
    """Headers by which no browser takes an answer for another type, and that do not name our
    software.
    """
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "gateway"
