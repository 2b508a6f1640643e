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

__all__ = ["public_site"]

log = logging.getLogger("gateway")

_REQUESTS = 4.0
"""Seconds that requests get to finish when we stop."""


@asynccontextmanager
async def public_site(core: Core, live: LiveConfig) -> AsyncIterator[str]:
    """The HTTP API; yields its address."""
    gateway = live.current.gateway
    raise_descriptors()
    metrics = core.metrics
    door = Connections(
        Limits.of_this_process(), metrics.connection_ended, metrics.connections_open.set
    )
    runner = Runner(application(core), door, shutdown_timeout=_REQUESTS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, gateway.gateway_host, gateway.gateway_port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError([_cannot_listen(error)]) from None
        host, port = runner.addresses[0][:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        log.info("listening on %s", url)
        yield url
    finally:
        await runner.cleanup()


def _cannot_listen(error: OSError) -> str:
    """Asyncio's own text repeats the address."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "GATEWAY_HOST: is no address of this machine"
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return f"GATEWAY_PORT: cannot listen there ({reason})"
