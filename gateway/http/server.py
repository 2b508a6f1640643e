"""The public application."""

from aiohttp import web

from gateway.app import Core
from gateway.http import deliveries, health, membership, registrations
from gateway.http.access import Access
from gateway.http.keys import ACCESS, CORE
from gateway.http.middleware import MIDDLEWARES

__all__ = ["application"]

LARGEST_BODY = 64 * 1024


def application(core: Core) -> web.Application:
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=LARGEST_BODY)
    app[CORE] = core
    app[ACCESS] = Access(lambda: core.live.current.gateway)
    for room in (registrations, membership, deliveries, health):
        app.add_routes(room.routes)
    return app
