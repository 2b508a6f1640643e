"""Serving until a signal: the owner's lock, the core, its two doors, and the watch on `.env`."""

import asyncio
import logging
from pathlib import Path

import aiohttp

from gateway.app import Role
from gateway.app.config import LiveConfig
from gateway.app.supervisor import supervised
from gateway.errors import ConfigurationError
from gateway.http.leased import serve_leased
from gateway.http.owning import owning
from gateway.http.site import Applications, sites
from gateway.http.upkeep import WORK, calm_collector, stop_of, watching
from gateway.store import OwnerLock, exposed, socket_path

__all__ = ["serve"]

log = logging.getLogger("gateway")

_SILENCE = 60.0
"""Seconds that the owner of the file may say nothing. A command that makes way may take longer, to
end what it has begun, and says so; one that is halted, or being ended, may come back."""
_ASK, _LOOK = 1.0, 0.05
"""Seconds between two questions, and between two looks at the lock."""


async def serve(live: LiveConfig, applications: Applications) -> None:
    stop = stop_of(live)
    if live.current.gateway.is_postgres:
        await serve_leased(live, applications, stop)
    else:
        await _serve_locked(live, applications, stop)
    log.info("stopped")


async def _serve_locked(live: LiveConfig, applications: Applications, stop: asyncio.Event) -> None:
    path = live.current.gateway.database_path
    with OwnerLock(path) as lock:
        if not await _own(lock, path, stop):
            return
        for warning in exposed(path, *live.files):
            log.warning("%s", warning)
        stopping = asyncio.Event()
        async with (
            owning(live, Role.SERVE, stopping, stop.is_set, seconds=WORK) as core,
            sites(core, live, applications(core)),
            watching(live),
            supervised(),
        ):
            await core.holdings.tell()
            calm_collector()
            await stop.wait()
            log.info("stopping: no new requests; what is under way is finished or persisted")
            stopping.set()


async def _own(lock: OwnerLock, path: Path, stop: asyncio.Event) -> bool:
    """A command that owns the file makes way; another gateway does not. False: we were told to
    stop.
    """
    if lock.acquire():
        return True
    asking = asyncio.create_task(_keep_asking(path), name="asking for the file")
    try:
        while not lock.acquire():
            if asking.done():
                await asking
            if stop.is_set():
                return False
            await asyncio.sleep(_LOOK)
        return True
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _keep_asking(path: Path) -> None:
    """Waits until the owner of the file has not answered for too long, or says that it serves."""
    clock, announced = asyncio.get_running_loop().time, ""
    heard = clock()
    while clock() - heard < _SILENCE:
        if await _makes_way(path):
            heard, text = clock(), f"a command that uses {path.name} makes way"
        else:
            text = f"another process holds {path.name}.lock and does not answer yet"
        if text != announced:
            log.info("%s", text)
        announced = text
        await asyncio.sleep(_ASK)
    holds = f"another process holds {path.name}.lock and does not answer"
    how = f"stop it first (`fuser {path.name}.lock` says which it is)"
    raise ConfigurationError([f"GATEWAY_DATABASE_URL: {holds}; {how}"])


async def _makes_way(path: Path) -> bool:
    """False: no answer."""
    connector = aiohttp.UnixConnector(str(socket_path(path)))
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.post("http://owner/control/yield", json={}) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
    if status == 409:
        raise ConfigurationError(
            [f"GATEWAY_DATABASE_URL: another gateway serves from {path.name} already"]
        )
    return status == 202
