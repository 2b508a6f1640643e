"""Listening: the public address, and the console's."""

import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from gateway import frozen
from gateway.app import Core
from gateway.app.config import LiveConfig
from gateway.errors import ConfigurationError
from gateway.http.connections import Connections, Limits, raise_descriptors
from gateway.http.protocol import Runner
from gateway.telemetry.metrics import Metrics

__all__ = ["CONSOLE", "Applications", "Doors", "listening", "listening_at", "sites"]

log = logging.getLogger("gateway")

CONSOLE = "/admin"
_REQUESTS = 4.0
"""Seconds that requests get to finish when we stop."""


@frozen
class Doors:
    """What answers at the public address, and where the console has a port of its own, there."""

    public: web.Application
    console: web.Application | None = None


Applications = Callable[[Core], Doors]


@asynccontextmanager
async def sites(core: Core, live: LiveConfig, doors: Doors) -> AsyncIterator[str]:
    """Both, while it goes on; yields the public address."""
    async with listening_at(live, core.metrics, doors) as url:
        yield url


@asynccontextmanager
async def listening_at(live: LiveConfig, metrics: Metrics, doors: Doors) -> AsyncIterator[str]:
    gateway = live.current.gateway
    raise_descriptors()
    async with AsyncExitStack() as stack:
        public = listening(metrics, doors.public, gateway.gateway_host, gateway.gateway_port)
        url = await stack.enter_async_context(public)
        log.info("listening on %s", url)
        if doors.console is not None:
            port = gateway.gateway_admin_port or 0
            own = (metrics, doors.console, gateway.gateway_host, port, "GATEWAY_ADMIN_PORT")
            there = await stack.enter_async_context(listening(*own))
            log.info("the console is at %s%s", there, CONSOLE)
        yield url


@asynccontextmanager
async def listening(
    metrics: Metrics,
    app: web.Application,
    host: str,
    port: int,
    variable: str = "GATEWAY_PORT",
) -> AsyncIterator[str]:
    """`variable`: the setting that an error about the port names."""
    door = Connections(
        Limits.of_this_process(), metrics.connection_ended, metrics.connections_open.set
    )
    runner = Runner(app, door, shutdown_timeout=_REQUESTS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
        except OSError as error:
            raise ConfigurationError([_cannot_listen(error, variable)]) from None
        there, bound = runner.addresses[0][:2]
        yield f"http://{f'[{there}]' if ':' in there else there}:{bound}"
    finally:
        await runner.cleanup()


def _cannot_listen(error: OSError, variable: str) -> str:
    """In our own words: asyncio's text repeats the address."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "GATEWAY_HOST: is no address of this machine"
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return f"{variable}: cannot listen there ({reason})"
