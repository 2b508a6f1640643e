"""Bytes sent as an attacker sends them, and what comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

__all__ = ["connected", "exchange", "head", "is_closed"]

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def head(path: str, *lines: str, method: str = "POST", host: str = "127.0.0.1") -> bytes:
    """A request's head, whole."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


@asynccontextmanager
async def connected(url: str, source: str = "127.0.0.1") -> AsyncIterator[Pair]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port, local_addr=(source, 0)
    )
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def exchange(url: str, sent: bytes, seconds: float = 5.0) -> bytes:
    """What is answered until the other side closes, or is silent for so long."""
    async with connected(url) as (reader, writer):
        writer.write(sent)
        got = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while piece := await reader.read(65536):
                    got += piece
        return got


async def is_closed(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the other side ends the connection in that time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            with suppress(ConnectionError):
                while await reader.read(65536):
                    pass
            return True
    return False
