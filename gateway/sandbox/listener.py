"""A listening socket on loopback that can refuse connections and listen again, at once."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Protocol, runtime_checkable

_BACKLOG = 4096


@runtime_checkable
class _Abortable(Protocol):
    """A transport of asyncio's or of uvloop's, which has classes of its own."""

    def abort(self) -> None: ...


class Listener:
    """Serves `factory`'s protocols on one port.

    A second socket, bound but never listening, holds the port: connects are refused while
    nothing listens, and nobody else is given the port meanwhile.
    """

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        cut: Callable[[], None],
        host: str,
        port: int = 0,
    ) -> None:
        """`cut` aborts the connections that are open."""
        self._factory = factory
        self._cut = cut
        self.host = host
        self.port = port
        self._hold: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self._refusing = False

    async def open(self) -> None:
        """Listens. OSError when the port is taken."""
        self._hold = _bound(self.host, self.port)
        self.port = self._hold.getsockname()[1]
        await self._serve(self._listening())

    def refuse(self, refusing: bool) -> None:
        """True closes the listening socket and cuts what is open; False listens again."""
        if refusing == self._refusing or self._hold is None:
            return
        self._refusing = refusing
        if refusing:
            self._stop()
            self._cut()
        elif self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(self._serve(self._listening()))

    async def close(self) -> None:
        if self._opening is not None:
            await self._opening
        self._refusing = True
        self._stop()
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _listening(self) -> socket.socket:
        listening = _bound(self.host, self.port)
        listening.listen(_BACKLOG)
        return listening

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._factory, sock=listening, backlog=_BACKLOG)
        if self._refusing:  # switched again while this was under way
            self._stop()
            self._cut()

    def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Ends a connection with RST instead of FIN."""
    if transport is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, _Abortable):
        transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
