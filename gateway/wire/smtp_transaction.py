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
from typing import Self, cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

__all__ = ["hand_over"]

_DONE, _WILL_FORWARD, _GO_ON = 250, 251, 354
_LONGEST_REPLY = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


async def hand_over(
    connection: SMTP, sender: str, recipient: str, message: bytes, may_go: Callable[[], None]
) -> None:
    """Raises what aiosmtplib does, and `may_go`, which is asked last before the message goes.
    Addresses are in ASCII; lines of the message end in any way.
    """
    commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"]
    if _CONTROL.search("".join(commands)):
        raise ValueError("an address holds a control character")
    with _Session(connection) as session:
        if connection.supports_extension("pipelining"):
            session.say(*commands)
            commands.clear()
        told = await session.reply(commands[0:1])
        if told.code != _DONE:
            raise SMTPSenderRefused(told.code, told.message, sender)
        told = await session.reply(commands[1:2])
        if told.code not in {_DONE, _WILL_FORWARD}:
            raise SMTPRecipientRefused(told.code, told.message, recipient)
        told = await session.reply(commands[2:3])
        if told.code != _GO_ON:
            raise SMTPDataError(told.code, told.message)
        may_go()
        session.write(_as_data(message))
        told = await session.reply()
        if told.code != _DONE:
            raise SMTPDataError(told.code, told.message)
        if session.is_ahead:
            connection.close()


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
        self._replies: deque[SMTPResponse | Exception] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._transport.set_protocol(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection.transport is self._transport:
            self._transport.set_protocol(self._behind)

    def say(self, *commands: str) -> None:
        self.write("\r\n".join([*commands, ""]).encode("ascii"))

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        self._transport.write(data)

    async def reply(self, commands: list[str] | None = None) -> SMTPResponse:
        """The next, after these commands were said."""
        if commands:
            self.say(*commands)
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
                self._replies.append(_reply_of(self._lines))
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


def _reply_of(lines: list[bytes]) -> SMTPResponse | Exception:
    """Its code is that of the last line (RFC 5321, 4.2.1)."""
    code = lines[-1][:3]
    if not code.isdigit():
        return SMTPResponseException(-1, "Malformed SMTP response line")
    one, *more = lines
    text = one[4:].strip(b" \t\r")
    if more:
        text = b"\n".join([text, *[line[4:].strip(b" \t\r") for line in more]])
    return SMTPResponse(int(code), text.decode("utf-8", "surrogateescape"))


def _as_data(message: bytes) -> bytes:
    """Lines that end as SMTP wants it, one more dot before each that begins with one, the end."""
    mixed = b"\r" in message
    text = _LINE_END.sub(b"\r\n", message) if mixed else message.replace(b"\n", b"\r\n")
    last = b"" if text.endswith(b"\r\n") else b"\r\n"
    return (b"\r\n" + text + last).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
