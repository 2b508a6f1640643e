"""Where the console is reached: beside the API, or on a port of its own."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.app import Core
from gateway.app.config import LiveConfig
from gateway.console.application import console_application
from gateway.console.visit import PREFIX
from gateway.http.keys import CORE
from gateway.http.middleware import problems, watch
from gateway.http.server import LARGEST_BODY
from gateway.http.site import listening, public_site

__all__ = ["sites"]

log = logging.getLogger("gateway")


@asynccontextmanager
async def sites(core: Core, live: LiveConfig, *, is_open: bool = False) -> AsyncIterator[str]:
    """The API and the console; yields the API's address. `is_open`: without a password."""
    gateway = live.current.gateway
    console = console_application(core, is_open=is_open)
    if gateway.gateway_admin_port is None:
        async with public_site(core, live, console) as url:
            yield url
        return
    app = web.Application(middlewares=(watch, problems), client_max_size=LARGEST_BODY)
    app[CORE] = core
    app.add_subapp(PREFIX, console)
    own = (core, app, gateway.gateway_host, gateway.gateway_admin_port, "GATEWAY_ADMIN_PORT")
    async with public_site(core, live) as url, listening(*own) as console_url:
        log.info("the console is at %s%s", console_url, PREFIX)
        yield url
