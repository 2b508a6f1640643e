"""A connection is given back or closed, however what was done over it ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from gateway.wire import Access, Edge, SmtpSettings, SmtpTransport, Wire
from gateway.wire import smtp as module
from tests.wire.mail_server import MailServer
from tests.wire.raw_server import Server, call, http


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer().listening() as made:
        yield made


@pytest.fixture
async def transport(server: MailServer) -> AsyncIterator[SmtpTransport]:
    settings = SmtpSettings(
        smtp_host="127.0.0.1", smtp_port=server.port, smtp_tls="none", email_from="shop@example.com"
    )
    made = SmtpTransport("email", lambda: settings, lambda: 30.0, Edge())
    yield made
    await made.close()


async def send(transport: SmtpTransport) -> None:
    await transport.send(
        "shop@example.com", "taro@example.com", lambda: b"Subject: Hi\r\n\r\nHi\r\n"
    )


async def cancelled(task: "asyncio.Task[None]", server: MailServer) -> None:
    """Ends it while it waits for an answer, as a time limit does."""
    await asyncio.wait_for(server.heard.wait(), 10.0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_mail_is_made_when_its_turn_has_come(
    server: MailServer, transport: SmtpTransport
) -> None:
    """Of hundreds that wait for theirs none is in memory."""
    made = 0

    def message() -> bytes:
        nonlocal made
        made += 1
        return b"Subject: Hi"

    server.answers["EHLO"] = None
    sending = [
        asyncio.create_task(transport.send("shop@example.com", "taro@example.com", message))
        for _ in range(20)
    ]
    await asyncio.wait_for(server.heard.wait(), 10.0)
    assert made == module.AT_ONCE
    for task in sending:
        task.cancel()
    await asyncio.wait(sending)
    assert made == module.AT_ONCE


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "DATA"])
async def test_a_mail_that_is_cut_short_closes_its_connection(
    server: MailServer, transport: SmtpTransport, command: str
) -> None:
    server.answers[command] = None
    await cancelled(asyncio.create_task(send(transport)), server)
    await server.saw_us_leave()


async def test_a_kept_connection_that_does_not_answer_in_time_is_closed(
    server: MailServer, transport: SmtpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    await send(transport)
    now += 5.0
    server.answers["NOOP"] = None
    await cancelled(asyncio.create_task(send(transport)), server)
    await server.saw_us_leave()
    assert server.connections == 1


async def test_a_probe_that_is_cut_short_closes_its_connection(
    server: MailServer, transport: SmtpTransport
) -> None:
    server.answers["QUIT"] = None
    await cancelled(asyncio.create_task(transport.probe()), server)
    await server.saw_us_leave()


async def test_a_server_that_is_rude_to_a_goodbye_can_be_reached_and_is_left(
    server: MailServer, transport: SmtpTransport
) -> None:
    server.answers["QUIT"] = b"500 what?\r\n"
    await transport.probe()
    await server.saw_us_leave()


class HalfAnAnswer(Server):
    """Says 503 and keeps half of its answer to itself; then answers whole."""

    def __init__(self) -> None:
        super().__init__([b""])
        self.left = False
        self.left_before_the_next = False

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        first = self.connections == 1
        await reader.readuntil(b"\r\n\r\n")
        if first:
            writer.write(b"HTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\nhalf")
            self.left = await reader.read() == b""
        else:
            self.left_before_the_next = self.left
            writer.write(http(b"{}"))
        writer.close()


async def test_a_read_gives_its_connection_back_before_it_is_repeated() -> None:
    async with HalfAnAnswer().listening() as server, Wire(lambda: 10.0) as wire:
        assert (await wire.send(call(Access.READ, server.url))).status == 200
    assert server.connections == 2
    assert server.left_before_the_next
