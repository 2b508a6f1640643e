"""What stands between a gateway and its database, and does not always deliver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Proxy"]

_COMMIT = b"Q\0\0\0\x0bCOMMIT\0"


class Proxy:
    """Passes bytes on to a Unix socket. `silent`: it holds everything and says nothing.

    `loses`: of how many COMMITs one is lost with its connection; 0: none. It has been carried out
    by then, or, with `undone`, every second time has not reached the database. `lost`: how many.
    """

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._commits = 0
        self._links: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Event()
        self._heard.set()
        self.loses = 0
        self.undone = False
        self.lost = 0
        self.port = 0

    @property
    def silent(self) -> bool:
        return not self._heard.is_set()

    @silent.setter
    def silent(self, yes: bool) -> None:
        if yes:
            self._heard.clear()
        else:
            self._heard.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._linked, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for link in self._links:
                link.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)

    async def _linked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the database is away
            writer.close()
            return
        deaf = asyncio.Event()
        ways = [
            asyncio.create_task(self._pass(reader, forth, writer, deaf)),
            asyncio.create_task(self._pass(back, writer, None, deaf)),
        ]
        self._links |= {*ways}
        await asyncio.wait(ways, return_when="FIRST_COMPLETED")
        for way in ways:
            way.cancel()
        for end in (forth, writer):
            end.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        asker: asyncio.StreamWriter | None,
        deaf: asyncio.Event,
    ) -> None:
        """`asker`: whoever asks, where `source` is theirs."""
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._heard.wait()
                if asker is not None and data.endswith(_COMMIT) and self._is_lost():
                    deaf.set()
                    asker.close()
                    if self.lost % 2 or not self.undone:
                        sink.write(data)
                        await sink.drain()
                        await asyncio.sleep(0.01)
                    return
                if asker is None and deaf.is_set():
                    return
                sink.write(data)
                await sink.drain()

    def _is_lost(self) -> bool:
        self._commits += 1
        lost = bool(self.loses) and self._commits % self.loses == 0
        self.lost += lost
        return lost
