"""One mail transaction (RFC 5321, 3.3), over a connection that aiosmtplib has opened.

A server that offers it gets MAIL, RCPT and DATA in one piece (RFC 2920): two journeys a mail in
place of four. aiosmtplib knows one command at a time and drops what else is answered, so the
replies are read here while the transaction lasts. The first that refuses says why; the caller then
closes the connection, whatever else was answered: without its end no server takes a mail.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Self, cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

__all__ = ["hand_over"]

_DONE, _GO_ON = 250, 354
_DONE_OR_FORWARDED = frozenset({_DONE, 251})
_DATA = "DATA\r\n"
_LONGEST_REPLY = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


async def hand_over(
    connection: SMTP, sender: str, recipient: str, message: bytes, may_go: Callable[[], None]
) -> None:
    """Raises what aiosmtplib does, and `may_go`, which is asked last before the message goes.
    Addresses are in ASCII; lines of the message end in any way.
    """
    if _CONTROL.search(sender) or _CONTROL.search(recipient):
        raise ValueError("an address holds a control character")
    mail, rcpt = f"MAIL FROM:<{sender}>\r\n", f"RCPT TO:<{recipient}>\r\n"
    with _Session(connection) as session:
        at_once = connection.supports_extension("pipelining")
        session.say(f"{mail}{rcpt}{_DATA}" if at_once else mail)
        told = await session.reply()
        if told.code != _DONE:
            raise SMTPSenderRefused(told.code, told.message, sender)
        if not at_once:
            session.say(rcpt)
        told = await session.reply()
        if told.code not in _DONE_OR_FORWARDED:
            raise SMTPRecipientRefused(told.code, told.message, recipient)
        if not at_once:
            session.say(_DATA)
        told = await session.reply()
        if told.code != _GO_ON:
            raise SMTPDataError(told.code, told.message)
        may_go()
        session.write(_as_data(message))
        told = await session.reply()
        if told.code != _DONE:
            raise SMTPDataError(told.code, told.message)
        if session.is_ahead:
            connection.close()


class _Reply(NamedTuple):
    """`code`: that of the last line (RFC 5321, 4.2.1)."""

    code: int
    lines: list[bytes]

    @property
    def message(self) -> str:
        text = b"\n".join([line[4:].strip(b" \t\r") for line in self.lines])
        return text.decode("utf-8", "surrogateescape")


class _Session(asyncio.Protocol):
    """Inside `with` the connection's replies come here, and later to aiosmtplib again, whose
    protocol hears of the connection's end, too.
    """

    def __init__(self, connection: SMTP) -> None:
        transport, behind = connection.transport, connection.protocol
        if transport is None or behind is None or transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        self._connection = connection
        self._transport = cast(asyncio.WriteTransport, transport)
        self._behind = behind
        self._loop = asyncio.get_running_loop()
        self._begun = b""
        self._lines: list[bytes] = []  # of a reply whose last is not there yet
        self._size = 0
        self._replies: deque[_Reply | Exception] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._transport.set_protocol(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection.transport is self._transport:
            self._transport.set_protocol(self._behind)

    def say(self, commands: str) -> None:
        self.write(commands.encode("ascii"))

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        self._transport.write(data)

    async def reply(self) -> _Reply:
        if not self._replies:
            self._waiter = self._loop.create_future()
            await self._waiter
        told = self._replies.popleft()
        if isinstance(told, Exception):
            raise told
        return told

    @property
    def is_ahead(self) -> bool:
        """Whether more was answered than was asked."""
        return bool(self._replies or self._begun or self._lines)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._lines.append(line)
            if line[3:4] != b"-":
                self._replies.append(_reply_of(line[:3], self._lines))
                self._lines, self._size = [], 0
        if self._size > _LONGEST_REPLY:
            self._replies.append(SMTPResponseException(-1, "Response too long"))
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._replies.append(SMTPServerDisconnected("Connection lost"))
        self._wake()
        self._behind.connection_lost(error)

    def _wake(self) -> None:
        if self._replies and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _reply_of(code: bytes, lines: list[bytes]) -> _Reply | Exception:
    if code.isdigit():
        return _Reply(int(code), lines)
    return SMTPResponseException(-1, "Malformed SMTP response line")


def _as_data(message: bytes) -> bytes:
    """Lines that end as SMTP wants it, one more dot before each that begins with one, the end."""
    mixed = b"\r" in message
    text = _LINE_END.sub(b"\r\n", message) if mixed else message.replace(b"\n", b"\r\n")
    last = b"" if text.endswith(b"\r\n") else b"\r\n"
    return (b"\r\n" + text + last).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
