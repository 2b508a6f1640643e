"""What stands before the gateways: it asks each whether it is ready, and hands connections on to
one that is; else to one that at least answers.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp

__all__ = ["Balancer"]

_EVERY, _PATIENCE = 0.2, 4.0
_READY, _THERE, _SILENT = range(3)


class Balancer:
    """`ports`: of the gateways. A connection to one that is not ready ends as soon as another is,
    as HAProxy does it (`on-marked-up shutdown-backup-sessions`).
    """

    def __init__(self, port: int, ports: Sequence[int]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._states = dict.fromkeys(ports, _SILENT)
        self._last = ports[0]
        self._links: dict[asyncio.Task[None], int] = {}

    @property
    def ready(self) -> list[int]:
        return [port for port, state in self._states.items() if state == _READY]

    @property
    def all_answer(self) -> bool:
        return all(state != _SILENT for state in self._states.values())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._linked, "127.0.0.1", self._port, backlog=1024)
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            asking = [asyncio.create_task(self._ask(session, port)) for port in self._states]
            try:
                yield
            finally:
                server.close()
                ending = [*asking, *self._links]
                for task in ending:
                    task.cancel()
                await asyncio.gather(*ending, return_exceptions=True)

    async def _ask(self, session: aiohttp.ClientSession, port: int) -> None:
        while True:
            state = await _state(session, port)
            if state == _READY and self._states[port] != _READY:
                self._last = port
                for link, to in self._links.items():
                    if to != port:
                        link.cancel()
            self._states[port] = state
            await asyncio.sleep(_EVERY)

    async def _linked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in sorted(self._states, key=lambda each: (self._states[each], each != self._last)):
            with suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", port)
                link = asyncio.create_task(_both_ways((reader, writer), there))
                self._links[link] = port
                link.add_done_callback(self._links.pop)
                return
        writer.close()


async def _state(session: aiohttp.ClientSession, port: int) -> int:
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz", timeout=timeout) as response:
            return _READY if response.status == 200 else _THERE
    except (aiohttp.ClientError, TimeoutError, OSError):
        return _SILENT


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(one: _End, other: _End) -> None:
    ways = [asyncio.create_task(_pass(a[0], b[1])) for a, b in ((one, other), (other, one))]
    try:
        await asyncio.wait(ways, return_when="FIRST_COMPLETED")
    finally:
        for way in ways:
            way.cancel()
        for end in (one, other):
            end[1].close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
