"""One mail, as a server sees it that answers byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.errors import About, ErrorClass, UpstreamError
from gateway.wire.edge import Edge
from gateway.wire.smtp import SmtpSettings, SmtpTransport

OFFERED = b"250-mail.example.com\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n"
NOT_OFFERED = b"250 mail.example.com\r\n"
TAKEN = [b"250 sender\r\n", b"250 recipient\r\n", b"354 go on\r\n"]
ENVELOPE = [b"MAIL FROM:<shop@example.com>", b"RCPT TO:<taro@example.com>", b"DATA"]


class Server:
    """Says its greeting, then to `EHLO` what it offers. `answers`: to each piece that comes of a
    mail, in pieces of some bytes. `heard`: what came. `closes`: after the last answer.
    """

    def __init__(self, offered: bytes, answers: Sequence[bytes]) -> None:
        self.offered = offered
        self.answers = answers
        self.heard: list[bytes] = []
        self.port = self.connections = 0
        self.piece, self.closes = 7, False
        self.meetings: set[asyncio.Task[None] | None] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.meetings.add(asyncio.current_task())
        writer.write(b"220 here\r\n")
        await reader.readuntil(b"\n")
        writer.write(self.offered)
        for answer in self.answers:
            await self._hear(reader)
            for at in range(0, len(answer), self.piece):
                writer.write(answer[at : at + self.piece])
                await asyncio.sleep(0)
        if not self.closes:
            await self._hear(reader)
        writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        try:
            self.heard.append(await reader.read(65536))
        except ConnectionResetError:
            self.heard.append(b"")


@asynccontextmanager
async def a_server(offered: bytes, *answers: bytes) -> AsyncIterator[tuple[Server, SmtpTransport]]:
    server = Server(offered, answers)
    listening = await asyncio.start_server(server.meet, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    settings = SmtpSettings(
        smtp_host="127.0.0.1", smtp_port=server.port, smtp_tls="none", email_from="a@example.com"
    )
    transport = SmtpTransport("email", lambda: settings, lambda: 20.0, Edge())
    try:
        yield server, transport
    finally:
        await transport.close()
        await asyncio.gather(*filter(None, server.meetings), return_exceptions=True)
        listening.close()
        await listening.wait_closed()


async def sent(transport: SmtpTransport, message: bytes = b"Subject: a\n\nb\n") -> None:
    await transport.send("shop@example.com", "taro@example.com", lambda: message)


async def refusal(transport: SmtpTransport) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await sent(transport)
    return caught.value


async def test_a_server_that_offers_it_gets_the_envelope_in_one_piece() -> None:
    async with a_server(OFFERED, b"".join(TAKEN), b"250 taken\r\n") as (server, transport):
        await sent(transport)
        await transport.close()
        assert server.heard[0] == b"\r\n".join([*ENVELOPE, b""])
        assert server.heard[1] == b"Subject: a\r\n\r\nb\r\n.\r\n"


async def test_a_server_that_does_not_gets_one_command_after_the_other() -> None:
    async with a_server(NOT_OFFERED, *TAKEN, b"250 taken\r\n") as (server, transport):
        await sent(transport)
        await transport.close()
        assert server.heard[:3] == [each + b"\r\n" for each in ENVELOPE]


@pytest.mark.parametrize(
    ("answered", "stage", "about"),
    [
        (b"250 a\r\n550 5.1.1 unknown\r\n503 no recipient\r\n", "RCPT", About.CUSTOMER),
        (b"250 a\r\n550-5.1.1 not\r\n550 here\r\n354 go on\r\n", "RCPT", About.CUSTOMER),
        (b"550 5.1.8 no\r\n503 first MAIL\r\n503 first MAIL\r\n", "MAIL", About.SYSTEM),
        (b"250 a\r\n250 b\r\n550 5.7.1 no\r\n", "DATA", None),
    ],
)
async def test_the_first_command_that_is_refused_is_the_refused_one(
    answered: bytes, stage: str, about: About | None
) -> None:
    async with a_server(OFFERED, answered) as (server, transport):
        error = await refusal(transport)
        assert (error.status, error.about, error.applied) == (550, about, False)
        assert f"at {stage}" in str(error)
        while len(server.heard) < 2:
            await asyncio.sleep(0.001)
        assert server.heard[1] == b"", "it is closed before anything of the mail is sent"


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (b"", ErrorClass.CONNECTION),
        (b"250 a\r\n25", ErrorClass.CONNECTION),
        (b"<html>502</html>\r\n", ErrorClass.UNEXPECTED),
        (b"250 a\r\n" + b"250-x\r\n" * 10_000, ErrorClass.UNEXPECTED),
        (b"250 a\r\n200 what\r\n354 go on\r\n", ErrorClass.UNEXPECTED),
    ],
)
async def test_an_answer_that_is_cut_off_or_garbage_ends_the_mail(
    answered: bytes, expected: ErrorClass
) -> None:
    async with a_server(OFFERED, answered) as (server, transport):
        server.closes = True
        assert (await refusal(transport)).error_class is expected


async def test_what_is_answered_beside_the_question_ends_the_connection() -> None:
    answers = b"".join(TAKEN), b"250 taken\r\n421 closing\r\n"
    async with a_server(OFFERED, *answers) as (server, transport):
        await sent(transport)
        await sent(transport)
        assert server.connections == 2


@pytest.mark.parametrize("message", [b"a\n.b\n..\nc", b"a\r\n.b\r\n..\r\nc\r\n", b"a\r.b\n..\nc\n"])
async def test_lines_end_and_begin_as_smtp_has_them(message: bytes) -> None:
    async with a_server(OFFERED, b"".join(TAKEN), b"250 taken\r\n") as (server, transport):
        await sent(transport, message)
        await transport.close()
        assert server.heard[1] == b"a\r\n..b\r\n...\r\nc\r\n.\r\n"


async def test_a_message_that_begins_with_a_dot_keeps_it() -> None:
    async with a_server(OFFERED, b"".join(TAKEN), b"250 taken\r\n") as (server, transport):
        await sent(transport, b".\n")
        await transport.close()
        assert server.heard[1] == b"..\r\n.\r\n"


async def test_an_address_cannot_bring_a_command_of_its_own() -> None:
    async with a_server(OFFERED) as (_, transport):
        with pytest.raises(UpstreamError) as caught:
            await transport.send(
                "shop@example.com", "a@example.com>\r\nRCPT TO:<b@example.com", bytes
            )
        assert caught.value.error_class is ErrorClass.INVALID_DATA
