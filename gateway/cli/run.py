"""How a command runs: its loop, its log, its configuration, and the owner of the database file."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from gateway.app import Role
from gateway.app.config import LiveConfig, load, stamp
from gateway.errors import CommandRefused, ConfigurationError, Unreachable, plain_json
from gateway.http.owning import STARTING, owning
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
"""Seconds that a command which made way waits for whoever asked for the file, before it takes it
back: `serve` must not have to win a race against it."""
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


class _OwnerGone(Exception):  # noqa: N818 - not an error: the next owner is asked
    """Or it only begins: it is asked again."""


_OWNER_GONE = (
    _OwnerGone,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,  # killed in the middle of an answer
    ConnectionError,
    FileNotFoundError,
)


class Client:
    """Talks to the owner of the database file over the socket beside it.

    `answered`: whether the owner has answered anything yet. What it hears goes to a terminal, and
    some of it was said by upstreams: it is made plain here.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.answered = False

    async def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._call("POST", path, json=body or {})

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._session.request(method, f"http://owner{path}", **options) as response:
            self.answered = True
            return await _body(response)

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Events until `end`; when the owner makes way, the next owner has to be asked."""
        async with self._session.post(f"http://owner{path}", json=body) as response:
            self.answered = True
            if response.status >= 400:
                await _body(response)
            async for line in response.content:
                event: dict[str, Any] = plain_json(orjson.loads(line))
                if event["event"] == "yielded":
                    raise _OwnerGone
                yield event
                if event["event"] == "end":
                    return
        raise _OwnerGone


async def _body(response: aiohttp.ClientResponse) -> dict[str, Any]:
    body: dict[str, Any] = plain_json(orjson.loads(await response.read()))
    if body.get("type") == STARTING:
        raise _OwnerGone
    if response.status == 502:
        raise Unreachable(_explained(body))
    if response.status >= 400:
        raise CommandRefused(_explained(body))
    return body


def _explained(body: dict[str, Any]) -> str:
    details = [f"  {e['field']}: {e['message']}" for e in body.get("errors", [])]
    return "\n".join([str(body.get("detail", "refused")), *details])


async def with_owner(live: LiveConfig, role: Role, action: Callable[[Client], Awaitable[T]]) -> T:
    """Do `action` with the owner of the file: a running gateway, another command, or ourselves.

    When the owner goes meanwhile, `action` is called again with the next one, so it must remember
    what it has done. The patience begins anew with each owner that answered.
    """
    path, clock = live.current.gateway.database_path, asyncio.get_running_loop().time
    until = clock() + _PATIENCE
    while True:
        way, client = _Way(), None
        try:
            async with _owner(live, role, way) as client:
                return await action(client)
        except _OWNER_GONE:
            if way.made or (client is not None and client.answered):
                until = clock() + _PATIENCE
            elif clock() > until:
                raise ConfigurationError(
                    [f"GATEWAY_DATABASE_URL: the process that owns {path.name} does not answer"]
                ) from None
        if way.made:
            await _successor(path)
        else:
            await asyncio.sleep(_AGAIN)


class _Way:
    """Of a command that owns the file: whether a starting `serve` has asked for it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def make(self) -> bool:
        self.asked.set()
        return True

    @property
    def made(self) -> bool:
        return self.asked.is_set()


async def _successor(path: Path) -> None:
    """Until whoever asked for the file has opened its door; or has not come after all."""
    for _ in range(round(_SUCCESSOR / _AGAIN)):
        if socket_path(path).exists():
            return
        await asyncio.sleep(_AGAIN)


@asynccontextmanager
async def _owner(live: LiveConfig, role: Role, way: _Way) -> AsyncIterator[Client]:
    path = live.current.gateway.database_path
    with OwnerLock(path) as lock:
        if not lock.acquire():
            async with _client(path) as client:
                yield client
            return
        async with owning(live, role, way.asked, way.make) as core, _client(path) as client:
            if way.made:
                raise _OwnerGone
            await core.holdings.tell()
            yield client


@asynccontextmanager
async def _client(path: Path) -> AsyncIterator[Client]:
    connector = aiohttp.UnixConnector(str(socket_path(path)))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Client(session)
