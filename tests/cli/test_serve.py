"""serve: one owner of the file, an orderly end, and what a dead one left is finished."""

import asyncio
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from gateway.sandbox import Fault, Sandbox
from tests.cli.process import Shell, register
from tests.world import registration

KEY = {"GATEWAY_API_KEYS": "a-key-of-the-tests-alone"}


async def test_serve_registers_and_ends_with_0_at_sigterm(shell: Shell, sandbox: Sandbox) -> None:
    async with shell.serving() as (gateway, url):
        (answer,) = await register(url, 1)
        assert answer["status"] == "complete"
        assert len(sandbox.mail.messages) == 1
        assert await gateway.stop() == 0
        assert "Traceback" not in gateway.log
    assert await shell.outcomes("crm") == ["delivered"]


async def test_systemd_hears_when_it_is_ready_and_when_it_stops(
    shell: Shell, tmp_path: Path
) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        async with shell.serving(NOTIFY_SOCKET=str(tmp_path / "notify")) as (gateway, _):
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(30):
                assert await loop.sock_recv(listener, 100) == b"READY=1"
                assert await gateway.stop() == 0
                assert await loop.sock_recv(listener, 100) == b"STOPPING=1"


async def test_status_says_whether_it_is_ready(shell: Shell) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    gone = await shell.run("status", "--ready", GATEWAY_PORT=port)
    assert (gone.code, "nothing answers" in gone.err) == (1, True)
    assert not (shell.folder / "gateway.db").exists()
    async with shell.serving(GATEWAY_PORT=port, GATEWAY_HOST="0.0.0.0", **KEY):
        there = await shell.run("status", "--ready", PORT=port, GATEWAY_PORT="", **KEY)
        assert (there.code, there.out) == (0, "ready\n"), there.err
        (shell.folder / "gateway.db").rename(shell.folder / "elsewhere.db")
        await asyncio.sleep(1.1)  # a commit of the last second would be proof enough
        broken = await shell.run("status", "--ready", GATEWAY_PORT=port)
        assert (broken.code, "not ready: " in broken.err) == (1, True)
        (shell.folder / "elsewhere.db").rename(shell.folder / "gateway.db")


async def test_the_database_is_in_the_folder_of_data(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shell.settings["GATEWAY_DATA_DIR"] = str(tmp_path / "data")
    assert (await shell.run("status")).code == 0
    assert (tmp_path / "data/gateway.db").exists()
    named = await shell.run("status", GATEWAY_DATABASE_URL="sqlite:///named.db")
    assert (named.code, (shell.folder / "named.db").exists()) == (0, True)
    missing = await shell.run("status", GATEWAY_DATA_DIR="/nowhere/at/all")
    assert (missing.code, "its folder does not exist" in missing.err) == (2, True)


async def test_ctrl_c_ends_it_the_same_way(shell: Shell) -> None:
    async with shell.serving() as (gateway, _):
        assert await gateway.stop(signal.SIGINT) == 0


async def test_a_request_under_way_at_sigterm_is_answered(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.faults.set("shopify", Fault(kind="slow", delay=1.0, match="customerCreate", times=1))
    async with shell.serving() as (gateway, url):
        asking = asyncio.create_task(register(url, 1))
        while not sandbox.shopify.customers:
            await asyncio.sleep(0.05)
        gateway.send(signal.SIGTERM)
        (answer,) = await asking
        assert answer["status"] in {"complete", "partial"}
        assert await gateway.ended() == 0


async def test_work_under_way_at_sigterm_is_persisted_within_10_seconds(
    shell: Shell, sandbox: Sandbox
) -> None:
    sandbox.faults.set("crm", Fault(kind="hang"))
    async with shell.serving(GATEWAY_RESPONSE_DEADLINE="1") as (gateway, url):
        (answer,) = await register(url, 1)
        assert answer["channels"]["crm"]["outcome"] == "pending"
        began = time.perf_counter()
        assert await gateway.stop() == 0
        assert time.perf_counter() - began < 15, "7 s for the work, and what the machine adds"
    assert await shell.outcomes("crm") == ["pending"]
    assert await shell.outcomes("smaregi") == ["delivered"]


async def test_a_second_gateway_refuses_with_2(shell: Shell) -> None:
    async with shell.serving() as (gateway, url):
        second = await shell.run("serve")
        assert second.code == 2
        assert "GATEWAY_DATABASE_URL" in second.err
        assert "another gateway" in second.err
        assert (await register(url, 1))[0]["status"] == "complete"
        assert await gateway.stop() == 0


@pytest.mark.long
async def test_a_port_that_is_taken_exits_with_2(shell: Shell) -> None:
    async with shell.serving() as (_, url):
        port = url.rpartition(":")[2]
        second = await shell.run(
            "serve", GATEWAY_PORT=port, GATEWAY_DATABASE_URL="sqlite:///other.db"
        )
    assert second.code == 2
    assert "GATEWAY_PORT" in second.err
    assert "Traceback" not in second.err


async def test_what_a_killed_gateway_left_is_finished_by_the_next(
    shell: Shell, sandbox: Sandbox
) -> None:
    sandbox.faults.set("crm", Fault(kind="hang"))
    async with shell.serving(GATEWAY_RESPONSE_DEADLINE="1") as (gateway, url):
        await register(url, 0)  # the index of members is there
        answers = await register(url, 1, 2)
        assert {a["channels"]["crm"]["outcome"] for a in answers} == {"pending"}
        await gateway.stop(signal.SIGKILL)
    sandbox.faults.clear()
    async with shell.serving() as (gateway, url):
        async with asyncio.timeout(30):
            while {row["outcome"] for row in await shell.rows()} != {"delivered"}:
                await asyncio.sleep(0.02)
        assert await gateway.stop() == 0
    assert len(sandbox.hubspot.contacts) == 3
    assert len(sandbox.shopify.customers) == 3
    assert len(sandbox.smaregi.members) == 3
    assert len(sandbox.mail.messages) == 3


async def test_a_registration_killed_at_shopify_has_its_effect_once(
    shell: Shell, sandbox: Sandbox
) -> None:
    """Shopify has the customer, nobody was told: the next gateway finishes that registration."""
    sandbox.faults.set("shopify", Fault(kind="slow", delay=30, match="customerCreate", times=1))
    async with shell.serving() as (gateway, url):
        asking = asyncio.create_task(_post(url))
        async with asyncio.timeout(30):
            while not sandbox.shopify.customers:
                await asyncio.sleep(0.02)
        await gateway.stop(signal.SIGKILL)
        assert await asking is None
    async with shell.serving() as (gateway, _):
        async with asyncio.timeout(30):
            while len(sandbox.mail.messages) < 1 or len(sandbox.hubspot.contacts) < 1:
                await asyncio.sleep(0.02)
        assert await gateway.stop() == 0
    assert len(sandbox.shopify.customers) == 1
    assert await shell.outcomes("smaregi") == ["delivered"]


async def _post(url: str) -> int | None:
    """The status of a registration; None where the connection was cut."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/v1/registrations", json=registration(1)) as response,
        ):
            return response.status
    except aiohttp.ClientError:
        return None
