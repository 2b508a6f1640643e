"""Where the console is reached: beside the API, or on a port of its own."""

from contextlib import AbstractAsyncContextManager

from aiohttp import web

from gateway.app import Core
from gateway.app.config import LiveConfig
from gateway.console.application import console_application
from gateway.console.visit import PREFIX
from gateway.http import site
from gateway.http.keys import CORE
from gateway.http.middleware import problems, watch
from gateway.http.server import LARGEST_BODY, application
from gateway.http.site import Doors

__all__ = ["applications", "sites"]


def sites(
    core: Core, live: LiveConfig, *, is_open: bool = False
) -> AbstractAsyncContextManager[str]:
    """The API and the console listen; the API's address. `is_open`: without a password."""
    return site.sites(core, live, applications(core, is_open=is_open))


def applications(core: Core, *, is_open: bool = False) -> Doors:
    console, public = console_application(core, is_open=is_open), application(core)
    if core.live.current.gateway.gateway_admin_port is None:
        public.add_subapp(PREFIX, console)
        return Doors(public)
    apart = web.Application(middlewares=(watch, problems), client_max_size=LARGEST_BODY)
    apart[CORE] = core
    apart.add_subapp(PREFIX, console)
    return Doors(public, apart)
