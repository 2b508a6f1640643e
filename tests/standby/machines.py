"""Gateways as real processes on one PostgreSQL of their own, and a storefront that finds them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from gateway.sandbox import Sandbox
from tests.cli.process import Process, Shell
from tests.store.postgres.cluster import Cluster
from tests.world import registration

__all__ = ["Machines", "everybody", "machines"]

_AGAIN = 0.02


class Machines:
    """`urls`: of those that run."""

    def __init__(self, folder: Path, cluster: Cluster, sandbox: Sandbox) -> None:
        self.cluster = cluster
        self.sandbox = sandbox
        self._folder = folder
        self._stack = AsyncExitStack()
        self._numbers = count()
        self.urls: dict[Process, str] = {}
        self.session: aiohttp.ClientSession

    async def start(self, *program: str, **settings: str) -> Process:
        """One more; it listens, and is active or stands by. `program`: as of a `Shell`, if it is
        another than usual.
        """
        shell = self.shell(*program, **settings)
        process, url = await self._stack.enter_async_context(shell.serving())
        await process.says("standing by|active: the")
        self.urls[process] = url
        return process

    def shell(self, *program: str, **settings: str) -> Shell:
        """On a machine of its own."""
        folder = self._folder / f"machine-{next(self._numbers)}"
        folder.mkdir()
        own = {
            "GATEWAY_DATABASE_URL": self.cluster.url(),
            "GATEWAY_SECRET": "a secret of the tests alone",
            "GATEWAY_AUTO_REPLAY": "true",
        }
        shell = Shell.beside(self.sandbox, folder, **own, **settings)
        shell.program = program or shell.program
        return shell

    async def active(self) -> Process:
        """The one that is ready."""
        async with asyncio.timeout(60):
            while True:
                for process, url in self.urls.items():
                    if process.code is None and await self._is_ready(url):
                        return process
                await asyncio.sleep(_AGAIN)

    async def _is_ready(self, url: str) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with self.session.get(f"{url}/readyz", timeout=timeout) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def register(self, number: int, *, seconds: float = 60.0) -> float:
        """As a proxy before them does: whoever does not take it is passed over. The seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(seconds):
            while True:
                for url in list(self.urls.values()):
                    if await self._is_taken(url, registration(number)):
                        return loop.time() - began
                await asyncio.sleep(_AGAIN)

    async def _is_taken(self, url: str, body: Any) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=12, sock_connect=1)
            address = f"{url}/v1/registrations"
            async with self.session.post(address, json=body, timeout=timeout) as response:
                return response.status == 201
        except (aiohttp.ClientError, TimeoutError):
            return False


def everybody(found: Machines) -> list[int]:
    """Customers, members, contacts; the same number of each."""
    sandbox = found.sandbox
    return [len(each) for each in (
        sandbox.shopify.customers, sandbox.smaregi.members, sandbox.hubspot.contacts
    )]  # fmt: skip


@asynccontextmanager
async def machines(folder: Path) -> AsyncIterator[Machines]:
    cluster = await asyncio.to_thread(Cluster.made)
    await asyncio.to_thread(cluster.start)
    try:
        async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
            found = Machines(folder, cluster, sandbox)
            found.session = session
            async with found._stack:
                yield found
    finally:
        await asyncio.to_thread(cluster.stop)
        cluster.remove()
