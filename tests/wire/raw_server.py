"""A server that says its answers byte for byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from gateway.wire import Access, Call

__all__ = ["KeptOpen", "Server", "call", "http"]


def call(access: Access = Access.READ, url: str = "http://127.0.0.1:1/", **more: Any) -> Call:
    method = "GET" if access is Access.READ else "POST"
    return Call("crm", "find contact", access, method, url, **more)


class Server:
    """Says its answers, one a connection, byte for byte; the last one again and again."""

    def __init__(self, answers: list[bytes], *, pause: float = 0.0) -> None:
        self.answers = answers
        self.pause = pause
        self.connections = self.requests = 0
        self.url = ""

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = self._said()
        self.connections += 1
        try:
            for answer in said:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                await asyncio.sleep(self.pause)
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _said(self) -> list[bytes]:
        """What a connection is told, one request after the other, before it is closed."""
        return [self.answers[min(self.connections, len(self.answers) - 1)]]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


class KeptOpen(Server):
    """Answers the first request and keeps the connection; says `last` to the next and closes."""

    def __init__(self, last: bytes) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", last])

    def _said(self) -> list[bytes]:
        return self.answers


def http(body: bytes, *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *headers]
    if not any("Length" in line or "Transfer" in line for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
