"""Listening: the public address."""

import errno
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.app import Core
from gateway.app.config import LiveConfig
from gateway.errors import ConfigurationError
from gateway.http.connections import Connections, Limits, raise_descriptors
from gateway.http.protocol import Runner
from gateway.http.server import application

__all__ = ["listening", "public_site"]

log = logging.getLogger("gateway")

_REQUESTS = 4.0
"""Seconds that requests get to finish when we stop."""


@asynccontextmanager
async def public_site(
    core: Core, live: LiveConfig, console: web.Application | None = None
) -> AsyncIterator[str]:
    """The HTTP API, with the console where it has no port of its own; yields its address."""
    gateway = live.current.gateway
    raise_descriptors()
    app = application(core)
    if console is not None:
        app.add_subapp("/admin", console)
    async with listening(core, app, gateway.gateway_host, gateway.gateway_port) as url:
        log.info("listening on %s", url)
        yield url


@asynccontextmanager
async def listening(
    core: Core, app: web.Application, host: str, port: int, variable: str = "GATEWAY_PORT"
) -> AsyncIterator[str]:
    """`variable`: the setting that an error about the port names."""
    metrics = core.metrics
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
