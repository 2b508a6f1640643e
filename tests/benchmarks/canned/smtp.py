"""A mail server that takes everything; commands may be pipelined (RFC 2920)."""

import asyncio
import re
from typing import cast

from tests.benchmarks.canned.http import Behaviour
from tests.benchmarks.canned.sightings import Sightings

__all__ = ["Mailbox", "Smtp"]

_EHLO = b"250-canned\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 35882577\r\n"
_NUMBER = re.compile(rb"^message-id:\s*<welcome\.(\d+)", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"


class Mailbox:
    """How many mails came, and for how many customers, by the number in their `Message-ID`."""

    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings
        self.mails = 0
        self.numbers: set[str] = set()

    def take(self, mail: bytes) -> None:
        self.mails += 1
        if found := _NUMBER.search(mail):
            number = found[1].decode()
            self.numbers.add(number)
            self._sightings.channel("email", number)


class Smtp(asyncio.Protocol):
    """One connection. Only the answer to a mail itself is delayed, hangs or is a refusal."""

    def __init__(self, mailbox: Mailbox, behaviour: Behaviour) -> None:
        self._mailbox = mailbox
        self._behaviour = behaviour
        self._received = b""
        self._in_data = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._write(b"220 canned ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._data() if self._in_data else self._command():
            pass

    def _command(self) -> bool:
        line, end, rest = self._received.partition(b"\r\n")
        if not end:
            return False
        self._received = rest
        match line[:4].upper():
            case b"EHLO" | b"HELO":
                self._write(_EHLO)
            case b"DATA":
                self._in_data = True
                self._write(b"354 go on\r\n")
            case b"QUIT":
                self._write(b"221 bye\r\n")
                if self._transport is not None:
                    self._transport.close()
            case _:
                self._write(b"250 ok\r\n")
        return True

    def _data(self) -> bool:
        mail, end, rest = self._received.partition(_END)
        if not end:
            return False
        self._received, self._in_data = rest, False
        if self._behaviour.mode == "refusing":
            self._behaviour.later(self._write, b"451 try again later\r\n")
        elif self._behaviour.mode == "healthy":
            self._mailbox.take(mail)
            self._behaviour.later(self._write, b"250 taken\r\n")
        return True

    def _write(self, answered: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answered)
