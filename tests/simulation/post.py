"""A mail server without a socket: what it accepted, and every way in which it may fail."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import NamedTuple

import aiosmtplib

from gateway.sandbox.call import Description
from tests.simulation.network import Fate

__all__ = ["Mail", "Post"]

_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
_DATA = Description("DATA", "write", ("DATA",))


class Mail(NamedTuple):
    time: float
    recipients: tuple[str, ...]
    message_id: str


class Post:
    """The mailbox, and where a connection to it begins."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        weather: Callable[[str, Description], Fate],
        heard: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._weather = weather
        self._heard = heard
        self._context = Context()
        self.messages: list[Mail] = []

    async def connect(self) -> "Connection":
        await asyncio.sleep(0.001)
        return Connection(self)

    def keep(self, recipients: Sequence[str], message: bytes) -> None:
        found = _ID.search(message)
        mail = Mail(self._loop.time(), tuple(recipients), found[1].decode() if found else "")
        self.messages.append(mail)
        self._heard(f"mail {mail.message_id}")

    async def take(self, recipients: Sequence[str], message: bytes) -> None:
        fate = self._weather("email", _DATA)
        if fate.applied:
            self._loop.call_later(
                fate.effect, self.keep, recipients, message, context=self._context
            )
        if fate.answer is None:
            await self._loop.create_future()
        else:
            await asyncio.sleep(max(fate.answer, fate.effect if fate.says == "plain" else 0.0))
        if fate.says == "status" and not fate.applied:
            raise aiosmtplib.SMTPDataError(451, "4.3.0 Requested action aborted")
        if fate.says != "plain":
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")


class Connection:
    is_connected = True

    def __init__(self, post: Post) -> None:
        self._post = post

    async def take(self, _sender: str, recipient: str, message: bytes) -> None:
        """Only a mail itself meets the weather."""
        await self._post.take([recipient], message)

    async def noop(self) -> None:
        await asyncio.sleep(0.001)

    async def quit(self) -> None:
        self.close()

    def close(self) -> None:
        self.is_connected = False
