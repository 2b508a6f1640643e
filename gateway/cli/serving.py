"""Serving until a signal: the owner's lock, the core, its two doors, and the watch on `.env`."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from gateway.app import Role, open_core
from gateway.app.config import LiveConfig
from gateway.cli.run import Client, control_site
from gateway.cli.terminal import closed_terminal_ends, ending_quietly
from gateway.errors import ConfigurationError, Refused
from gateway.http.site import public_site
from gateway.store import OwnerLock, exposed, socket_path

__all__ = ["calm_collector", "serve"]

log = logging.getLogger("gateway")

_TAKE_OVER = 20.0
"""Seconds for a command that owns the file to make way."""
_WORK = 3.5
"""Seconds that deliveries get to finish after SIGTERM; with the requests' four, under 10 in all."""


async def serve(live: LiveConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    hang_up = ending_quietly(stop.set) if closed_terminal_ends() else live.reload
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    path = live.current.gateway.database_path
    with OwnerLock(path) as lock:
        await _own(lock, path)
        for warning in exposed(path, *live.files):
            log.warning("%s", warning)
        stopping = asyncio.Event()
        async with (
            open_core(live, Role.SERVE, seconds=_WORK) as core,
            control_site(core, path, stopping, lambda: False),
            public_site(core, live),
            _watching(live),
        ):
            await core.holdings.tell()
            calm_collector()
            await stop.wait()
            log.info("stopping: no new requests; what is under way is finished or persisted")
            stopping.set()
    log.info("stopped")


def calm_collector() -> None:
    """What start-up made stays for good: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _own(lock: OwnerLock, path: Path) -> None:
    """A command that owns the file makes way; another gateway does not."""
    until = asyncio.get_running_loop().time() + _TAKE_OVER
    while not lock.acquire():
        await _ask_to_make_way(path)
        if asyncio.get_running_loop().time() > until:
            raise ConfigurationError(
                [f"GATEWAY_DATABASE_URL: another process holds {path.name}.lock; stop it first"]
            )
        await asyncio.sleep(0.1)


async def _ask_to_make_way(path: Path) -> None:
    connector = aiohttp.UnixConnector(str(socket_path(path)))
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await Client(session).post("/control/yield")
    except Refused:
        raise ConfigurationError(
            [f"GATEWAY_DATABASE_URL: another gateway serves from {path.name} already"]
        ) from None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return


@asynccontextmanager
async def _watching(live: LiveConfig) -> AsyncIterator[None]:
    task = asyncio.create_task(live.watch(), name="watch .env")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
