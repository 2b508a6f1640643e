"""What systemd hears of a service of Type=notify."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.app.supervisor import supervised, tell, watchdog

Heard = Callable[[], list[str]]


@pytest.fixture(params=["a file", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As systemd names its socket."""
    return str(tmp_path / "notify") if request.param == "a file" else f"@{os.urandom(8).hex()}"


@pytest.fixture
def heard(address: str) -> Iterator[Heard]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.setblocking(False)
        listener.bind(f"\0{address[1:]}" if address.startswith("@") else address)

        def all_of_it() -> list[str]:
            found = []
            while True:
                try:
                    found.append(listener.recv(100).decode())
                except BlockingIOError:
                    return found

        yield all_of_it


async def test_it_is_ready_once_it_serves_and_stopping_before_it_ends(
    address: str, heard: Heard
) -> None:
    async with supervised({"NOTIFY_SOCKET": address}):
        assert heard() == ["READY=1"]
    assert heard() == ["STOPPING=1"]


async def test_the_watchdog_hears_from_the_event_loop(address: str, heard: Heard) -> None:
    said: list[str] = []
    async with supervised({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000"}):
        async with asyncio.timeout(10):
            while said.count("WATCHDOG=1") < 2:
                await asyncio.sleep(0.005)
                said += heard()
    assert said[0] == "READY=1"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_watchdog_is_obeyed_that_means_this_process(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert watchdog(environment) == seconds


@pytest.mark.parametrize("address", ["", "relative", "/nobody/listens", "@nobody"])
def test_nobody_who_listens_is_no_trouble(address: str) -> None:
    tell("READY=1", {"NOTIFY_SOCKET": address})
    tell("READY=1", {})
