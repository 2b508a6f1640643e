"""Where the sandbox listens: the same from start to start, and never where another program is."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.sandbox import Ports, Sandbox, SandboxOptions, first_free

HOST = "127.0.0.1"


@contextmanager
def _listening(port: int = 0) -> Iterator[int]:
    with socket.create_server((HOST, port)) as server:
        yield server.getsockname()[1]


def _free_row() -> Ports:
    while True:
        row = Ports.in_a_row(random.randrange(20_000, 30_000))
        if row.settled(HOST) == row:
            return row


async def test_every_system_is_on_its_port_again_at_the_next_start() -> None:
    row = _free_row()
    for _ in range(2):
        async with Sandbox(SandboxOptions(ports=row)) as sandbox:
            settings = sandbox.environment()
            assert sandbox.url == f"http://{HOST}:{row.page}"
            assert settings["SHOPIFY_BASE_URL"] == f"http://{HOST}:{row.page + 1}"
            assert settings["SMAREGI_API_URL"] == f"http://{HOST}:{row.page + 2}"
            assert settings["HUBSPOT_BASE_URL"] == f"http://{HOST}:{row.page + 3}"
            assert settings["SMTP_PORT"] == str(row.page + 4)


def test_only_a_taken_port_becomes_the_next_free_one_above_the_row() -> None:
    row = _free_row()
    with _listening(row.smaregi):
        settled = row.settled(HOST)
        assert settled.smaregi > row.email
        assert row.moved(settled) == {"smaregi": (row.smaregi, settled.smaregi)}
        assert first_free(HOST, row.smaregi) == row.crm
    assert row.settled(HOST) == row


def test_a_page_that_was_named_is_kept_though_it_is_taken() -> None:
    row = _free_row()
    with _listening(row.page):
        assert row.settled(HOST).page > row.email
        assert row.settled(HOST, keep_page=True) == row


def test_any_port_and_the_last_ports_are_fine() -> None:
    assert Ports.in_a_row(0) == Ports()
    assert Ports().settled(HOST) == Ports()
    assert Ports.in_a_row(65534) == Ports(65534, 65535, 0, 0, 0)
    with _listening(65535) as last:
        assert first_free(HOST, last) == 0
