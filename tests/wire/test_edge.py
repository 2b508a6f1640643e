"""Nothing is written by a gateway that cannot know that it is the only one."""

from collections.abc import AsyncIterator, Callable

import pytest

from gateway.errors import StorageError
from gateway.wire import Access, Edge, SmtpSettings, SmtpTransport, Wire
from tests.wire.mail_server import MailServer
from tests.wire.raw_server import Server, call, http


def for_so_many(times: int) -> Callable[[], bool]:
    """Trust that is lost after it was asked for so many times."""
    left = [True] * times
    return lambda: bool(left) and left.pop()


@pytest.mark.parametrize(
    "times", [0, 1, 2], ids=["before the call", "while it is connected", "as its bytes leave"]
)
async def test_a_write_without_trust_does_not_leave(times: int) -> None:
    async with (
        Server([http(b"{}")]).listening() as server,
        Wire(lambda: 10.0, trusted=for_so_many(times)) as wire,
    ):
        with pytest.raises(StorageError, match="another gateway may be active") as raised:
            await wire.send(call(Access.WRITE, server.url, body=b"{}"))
        assert "reached" in raised.value.hint
        assert server.requests == 0


async def test_a_write_with_trust_leaves_and_a_read_needs_none() -> None:
    async with Server([http(b"{}")]).listening() as server:
        async with Wire(lambda: 10.0, trusted=for_so_many(3)) as wire:
            written = call(Access.WRITE, server.url, body=b"{}")
            assert (await wire.send(written)).status == 200
        async with Wire(lambda: 10.0, trusted=for_so_many(0)) as wire:
            assert (await wire.send(call(Access.READ, server.url))).status == 200


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer().listening() as made:
        yield made


@pytest.mark.parametrize("times", [0, 1], ids=["before the call", "after the recipient"])
async def test_no_mail_is_handed_over_without_trust(server: MailServer, times: int) -> None:
    settings = SmtpSettings(
        smtp_host="127.0.0.1", smtp_port=server.port, smtp_tls="none", email_from="shop@example.com"
    )
    edge = Edge(for_so_many(times))
    transport = SmtpTransport("email", lambda: settings, lambda: 30.0, edge)
    with pytest.raises(StorageError, match="another gateway may be active"):
        await transport.send(
            "shop@example.com", "taro@example.com", lambda: b"Subject: Hi\r\n\r\nHi\r\n"
        )
    if times:
        await server.saw_us_leave()
    assert server.taken == 0
    assert server.connections == times
    await transport.close()
