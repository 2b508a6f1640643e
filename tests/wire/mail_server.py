"""A mail server that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

__all__ = ["MailServer"]


class MailServer:
    """Says 250 to all; `answers` are other words for a command, and None is silence. `taken`: mails
    that came as a whole.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | None] = {"DATA": b"354 go on\r\n"}
        self.connections = self.taken = 0
        self.heard = asyncio.Event()
        self.left = asyncio.Event()
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            command = line.split()[0].decode().upper()
            answer = self.answers.get(command, b"250 fine\r\n")
            if answer is None:
                self.heard.set()
                continue
            writer.write(answer)
            if command == "DATA":
                with suppress(asyncio.IncompleteReadError):
                    await reader.readuntil(b"\r\n.\r\n")
                    self.taken += 1
                    writer.write(b"250 taken\r\n")
        self.left.set()
        writer.close()

    async def saw_us_leave(self) -> None:
        await asyncio.wait_for(self.left.wait(), 10.0)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        listening = await asyncio.start_server(self.meet, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        yield self
        listening.close()
