"""How a command runs: its loop, its log, its configuration, and the owner of its database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.app import Role
from gateway.app.config import LiveConfig, load, stamp
from gateway.cli.client import OWNER_GONE, Client, OwnerGone, beside
from gateway.cli.way import Way
from gateway.errors import CommandRefused, ConfigurationError
from gateway.http.owning import owning
from gateway.settings import GatewaySettings
from gateway.settings.sources import Sources
from gateway.store import OwnerLock, socket_path
from gateway.telemetry.logs import log_to_stderr

__all__ = [
    "Client",
    "CommandRefused",
    "read_config",
    "run",
    "run_logged",
    "with_owner",
]

T = TypeVar("T")

_PATIENCE = 60.0
"""Seconds that a command waits for the file's owner to answer, or to go; then for the next."""
_SUCCESSOR = 10.0
"""Seconds that a command which made way waits for whoever asked for the database, before it takes
it back: `serve` must not have to win a race against it."""
_AGAIN = 0.2


def run(main: Coroutine[Any, Any, T]) -> T:
    """On uvloop where it is installed."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    try:
        import uvloop  # noqa: PLC0415 - not on every platform

        factory = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def run_logged(main: Coroutine[Any, Any, T]) -> T:
    """Of a command: only what is wrong is logged. One that read the settings logs as they say."""
    if not logging.getLogger().handlers:
        log_to_stderr("warning")
    return run(main)


def read_config(
    *, complete: bool, log_level: Callable[[GatewaySettings], str] = lambda _: "warning"
) -> LiveConfig:
    """From the environment and `.env` in the working directory; told what it warns of.

    From here on the log is written as the settings say.
    """
    folder = Path.cwd()

    def read() -> Sources:
        return Sources.read(folder)

    file = folder / ".env"
    seen = stamp(file)
    config = load(read(), complete=complete)
    log_to_stderr(log_level(config.gateway), config.gateway.gateway_log_format)
    if complete:
        for warning in config.warnings:
            logging.getLogger("gateway").warning("%s", warning)
    return LiveConfig(config, read, file, seen)


class Owners(Protocol):
    """Where the owner of a database is found. `unanswered`: the problem, if none answers."""

    unanswered: str

    def owner(self, role: Role, way: "Way") -> AbstractAsyncContextManager[Client]:
        """Whoever it is now; ourselves, where there is none. OwnerGone: ask for the next."""
        ...

    async def is_taken(self) -> bool:
        """Whether whoever asked for the database is its owner."""
        ...


async def with_owner(live: LiveConfig, role: Role, action: Callable[[Client], Awaitable[T]]) -> T:
    """Do `action` with the owner of the database: a running gateway, a command, or ourselves.

    When the owner goes meanwhile, `action` is called again with the next one, so it must remember
    what it has done. The patience begins anew with each owner that answered.
    """
    owners, clock = _owners(live), asyncio.get_running_loop().time
    until = clock() + _PATIENCE
    while True:
        way, client = Way(), None
        try:
            async with owners.owner(role, way) as client:
                return await action(client)
        except OWNER_GONE:
            if way.made or (client is not None and client.answered):
                until = clock() + _PATIENCE
            elif clock() > until:
                raise ConfigurationError([owners.unanswered]) from None
        if way.made:
            await _successor(owners)
        else:
            await asyncio.sleep(_AGAIN)


async def _successor(owners: Owners) -> None:
    """Until whoever asked for the database is its owner; or has not come after all."""
    for _ in range(round(_SUCCESSOR / _AGAIN)):
        if await owners.is_taken():
            return
        await asyncio.sleep(_AGAIN)


def _owners(live: LiveConfig) -> Owners:
    if not live.current.gateway.is_postgres:
        return _OfFile(live)
    from gateway.cli.of_lease import OfLease  # noqa: PLC0415 - its driver is an extra

    return OfLease(live)


class _OfFile:
    """Of SQLite: a lock beside it, and a socket."""

    def __init__(self, live: LiveConfig) -> None:
        self._live = live
        self._path = live.current.gateway.database_path
        name = self._path.name
        self.unanswered = f"GATEWAY_DATABASE_URL: the process that owns {name} does not answer"

    async def is_taken(self) -> bool:
        return socket_path(self._path).exists()

    @asynccontextmanager
    async def owner(self, role: Role, way: Way) -> AsyncIterator[Client]:
        path = self._path
        with OwnerLock(path) as lock:
            if not lock.acquire():
                async with beside(path) as client:
                    yield client
                return
            async with (
                owning(self._live, role, way.asked, way.make) as core,
                beside(path) as client,
            ):
                if way.made:
                    raise OwnerGone
                await core.holdings.tell()
                yield client
