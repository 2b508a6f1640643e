"""The outbound edge: what may leave at all, of HTTP and of mail alike."""

from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from gateway.errors import DryRunStop, StorageError

__all__ = ["Access", "Edge", "dry_run"]

dry_run: ContextVar[bool] = ContextVar("dry_run", default=False)

_UNTRUSTED = (
    "the database was not reached for some seconds, so another gateway may be active by now: "
    "nothing is sent out"
)
_REACH = "see that the database can be reached; what was accepted is sent by whoever is active then"


class Access(Enum):
    """Tokens and searches are reads, whatever their HTTP method."""

    READ = "read"
    WRITE = "write"


class Edge:
    """`trusted()`: whether this gateway is certainly the only one that sends (None: always)."""

    def __init__(self, trusted: Callable[[], bool] | None = None) -> None:
        self.is_watched = trusted is not None
        self._trusted = trusted

    def admit(self, access: Access, operation: str) -> None:
        """DryRunStop for a write under `dry_run`; StorageError for one without trust."""
        if access is Access.READ:
            return
        if dry_run.get():
            raise DryRunStop(operation)
        self.require_trust()

    def require_trust(self) -> None:
        """The last thing before bytes of a write leave. A process that is halted after this, for
        longer than the others wait, may still send what it was about to.
        """
        if self._trusted is not None and not self._trusted():
            raise StorageError(_UNTRUSTED, _REACH)

    def request_class(self) -> type[aiohttp.ClientRequest]:
        """Of writes: asks once more when the connection is there, which may take seconds, and in
        the very step in which the bytes leave.
        """
        edge = self

        class _Asking(aiohttp.ClientRequest):
            async def send(self, conn: Connection) -> aiohttp.ClientResponse:
                edge.require_trust()
                return await super().send(conn)

            async def write_bytes(
                self,
                writer: AbstractStreamWriter,
                conn: Connection,
                content_length: int | None = None,
            ) -> None:
                try:
                    edge.require_trust()
                except StorageError as error:
                    if conn.protocol is not None:
                        conn.protocol.set_exception(error)  # whoever waits for the answer gets it
                    return
                await super().write_bytes(writer, conn, content_length)

        return _Asking
