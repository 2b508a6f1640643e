"""Gateways as `serve` runs them, in this process; their time is shorter, and their end a note."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from gateway.app import Core
from gateway.app.config import LiveConfig, load
from gateway.app.standing import make_lease
from gateway.console import applications
from gateway.http.leased import serve_leased
from gateway.http.site import Doors
from gateway.sandbox import Sandbox
from gateway.settings.sources import Sources
from gateway.store.postgres import Lease, Limits
from tests.world import ALL_ON, Reply, registration

__all__ = ["Gateway", "Gateways"]

QUICK = Limits(beat=0.1, look=0.05)
"""They follow each other soon, and take nobody for dead sooner than in earnest."""


@dataclass
class Gateway:
    """One of them. `ended`: with which codes it would have ended at once."""

    settings: dict[str, str]
    session: aiohttp.ClientSession
    limits: Limits = QUICK
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[int] = field(default_factory=list)
    url: str = ""
    core: Core | None = None
    lease: Lease | None = None
    task: "asyncio.Task[None] | None" = None

    async def start(self) -> Self:
        """Until it listens and is known to the database."""
        live = LiveConfig(load(Sources(self.settings, {})))
        self.task = asyncio.create_task(
            serve_leased(
                live, self._applications, self.stop, make=self._make, end=self.ended.append
            )
        )
        await until(lambda: self.seen or self.has_ended)
        return self

    def _make(self, live: LiveConfig, address: str) -> Lease:
        self.url = address
        self.lease = make_lease(live, address, limits=self.limits)
        return self.lease

    def _applications(self, core: Core) -> Doors:
        self.core = core
        return applications(core)

    @property
    def seen(self) -> bool:
        return self.lease is not None and self.lease.seen is not None

    @property
    def has_ended(self) -> bool:
        return self.task is not None and self.task.done()

    @property
    def is_active(self) -> bool:
        return self.core is not None

    async def term(self) -> None:
        self.stop.set()
        assert self.task is not None
        await asyncio.wait_for(self.task, 30)

    def halt(self) -> None:
        """No more beats, as of a process that was stopped; it goes on with all else."""
        assert self.lease is not None
        for task in self.lease._beats._endless:
            task.cancel()

    async def register(self, number: int = 0) -> Reply:
        return await self.request("POST", "/v1/registrations", registration(number))

    async def request(self, method: str, path: str, body: Any = None) -> Reply:
        given = {} if body is None else {"json": body}
        async with self.session.request(method, self.url + path, **given) as response:
            return await Reply.of(response)


class Gateways:
    """All of them, ended with this."""

    def __init__(self, url: str, sandbox: Sandbox) -> None:
        self._url = url
        self.sandbox = sandbox
        self.all: list[Gateway] = []
        self._stack = AsyncExitStack()

    def settings(self) -> dict[str, str]:
        return {
            **self.sandbox.environment(),
            **ALL_ON,
            "GATEWAY_PORT": "0",
            "GATEWAY_DATABASE_URL": self._url,
            "GATEWAY_SECRET": "a secret of the tests alone",
            "GATEWAY_ADMIN_PASSWORD": "a long password for tests",
        }

    async def new(self, limits: Limits = QUICK, **settings: str) -> Gateway:
        gateway = Gateway({**self.settings(), **settings}, self._session, limits)
        self.all.append(gateway)
        return await gateway.start()

    async def active(self, limits: Limits = QUICK, **settings: str) -> Gateway:
        gateway = await self.new(limits, **settings)
        await until(lambda: gateway.is_active)
        return gateway

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_: object) -> None:
        for gateway in reversed(self.all):
            gateway.stop.set()
        ending = [gateway.task for gateway in self.all if gateway.task is not None]
        await asyncio.gather(*ending, return_exceptions=True)
        await self._stack.aclose()


async def until(condition: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
