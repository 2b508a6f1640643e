"""check, members refresh and sandbox: the commands that look at the systems around."""

import random
import re
import signal

import aiohttp
import pytest

from gateway.http.forms.explained import EXAMPLE
from gateway.sandbox import Fault, Sandbox, first_free
from gateway.settings.sources import read_dotenv
from tests.cli.process import Shell, register


async def test_check_proves_every_system_and_writes_nothing(shell: Shell, sandbox: Sandbox) -> None:
    done = await shell.run("check")
    assert done.code == 0, done.out + done.err
    for system in ("Shopify", "Smaregi", "HubSpot", "Mail"):
        assert re.search(rf"ok +│ +{system}", done.out), done.out
    assert sandbox.journal.writes() == []
    assert sandbox.journal.applied() == []
    assert {entry.system for entry in sandbox.journal} >= {"shopify", "smaregi", "crm"}
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("system", "wrong"),
    [
        ("Shopify", {"SHOPIFY_ACCESS_TOKEN": "shpat_wrong"}),
        ("Smaregi", {"SMAREGI_CLIENT_SECRET": "wrong"}),
        ("CRM", {"HUBSPOT_ACCESS_TOKEN": "wrong"}),
        ("Welcome mail", {"SMTP_PORT": "9"}),
    ],
)
async def test_check_names_the_system_that_refuses_and_exits_1(
    shell: Shell, sandbox: Sandbox, system: str, wrong: dict[str, str]
) -> None:
    done = await shell.run("check", "--json", **wrong)
    assert done.code == 1, done.out + done.err
    failed = [row for row in done.rows() if not row["ok"]]
    assert [row["name"] for row in failed] == [system]
    assert "check" in failed[0]["detail"]
    assert not any(value in done.out + done.err for value in wrong.values() if len(value) > 4)
    assert sandbox.journal.writes() == []
    table = await shell.run("check", **wrong)
    assert "FAILED" in table.out


async def test_check_does_not_ask_a_system_whose_flag_is_off(
    shell: Shell, sandbox: Sandbox
) -> None:
    done = await shell.run("check", FLAG_CRM="off", HUBSPOT_ACCESS_TOKEN="")
    assert done.code == 0, done.out + done.err
    assert "its flag is off" in done.out
    assert sandbox.journal.of("crm") == []


def _add_member(sandbox: Sandbox, number: int) -> None:
    sandbox.smaregi.add(
        customerCode=f"00{number}",
        lastName="山田",
        firstName="花子",
        mailAddress=f"hanako{number}@example.com",
    )


@pytest.mark.long
async def test_members_refresh_rebuilds_the_index(shell: Shell, sandbox: Sandbox) -> None:
    for number in range(3):
        _add_member(sandbox, number)
    alone = await shell.run("members", "refresh")
    assert alone.code == 0, alone.err
    assert "3 members indexed" in alone.out
    async with shell.serving():
        _add_member(sandbox, 9)
        beside = await shell.run("members", "refresh")
    assert beside.code == 0, beside.err
    assert "4 members indexed" in beside.out
    assert sandbox.journal.writes("smaregi") == []


async def test_members_refresh_that_stops_says_so_and_exits_1(
    shell: Shell, sandbox: Sandbox
) -> None:
    sandbox.faults.set("smaregi", Fault(kind="status", status=503))
    done = await shell.run("members", "refresh")
    assert done.code == 1
    assert "Run it again" in done.err
    assert "Traceback" not in done.err


async def test_the_sandbox_prints_settings_that_a_gateway_works_with(bare_shell: Shell) -> None:
    async with bare_shell.running("sandbox", "--port", "0") as sandbox:
        await sandbox.says("FLAG_EMAIL=on", out=True)
        (bare_shell.folder / ".env").write_text(sandbox.out, "utf-8")
        assert read_dotenv(bare_shell.folder / ".env")["SMTP_TLS"] == "none"
        page = (await sandbox.says(r"page: (http://\S+)"))[1]
        async with bare_shell.serving(GATEWAY_PORT="0") as (gateway, url):
            (answer,) = await register(url, 1)
            assert answer["status"] == "complete"
            assert await gateway.stop() == 0
        async with aiohttp.ClientSession() as session, session.get(page) as response:
            assert response.status == 200
        assert await sandbox.stop(signal.SIGTERM) == 0


async def test_the_sandboxs_page_registers_at_a_gateway_that_wants_a_key(
    bare_shell: Shell,
) -> None:
    port = str(first_free("127.0.0.1", random.randrange(30_000, 32_000)))
    at = ("--gateway-url", f"http://127.0.0.1:{port}")
    async with bare_shell.running("sandbox", "--port", "0", *at) as sandbox:
        page = (await sandbox.says(r"page: (http://\S+)"))[1]
        lines = f"{sandbox.out}GATEWAY_PORT={port}\nGATEWAY_API_KEYS={'k' * 16},{'m' * 16}\n"
        (bare_shell.folder / ".env").write_text(lines, "utf-8")
        async with bare_shell.serving(), aiohttp.ClientSession() as session:
            async with session.post(f"{page}/_sandbox/register", json=EXAMPLE) as response:
                told = await response.json()
                assert (told["status"], told["body"]["status"]) == (201, "complete")
            async with session.get(f"{page}/_sandbox/registrations") as response:
                (shown,) = (await response.json())["registrations"]
                assert shown["id"] == told["body"]["id"]


async def test_a_sandbox_beside_an_older_database_says_that_it_starts_empty(
    bare_shell: Shell,
) -> None:
    (bare_shell.folder / "gateway.db").touch()
    async with bare_shell.running("sandbox", "--port", "0") as sandbox:
        await sandbox.says(r"starts empty: .* delete gateway\.db\*")
        await sandbox.says(r"page: http://")


async def test_the_sandbox_wants_a_whole_address_of_the_gateway(bare_shell: Shell) -> None:
    done = await bare_shell.run("sandbox", "--port", "0", "--gateway-url", "localhost:8080")
    assert done.code == 2
    assert "http://127.0.0.1:8080" in done.err


async def test_the_sandbox_says_that_its_port_is_taken(bare_shell: Shell) -> None:
    async with bare_shell.running("sandbox", "--port", "0") as sandbox:
        port = (await sandbox.says(r"page: http://127.0.0.1:(\d+)"))[1]
        second = await bare_shell.run("sandbox", "--port", port)
    assert second.code == 2
    assert "Traceback" not in second.err


def test_the_sample_is_an_invented_person() -> None:
    assert EXAMPLE["email"].endswith("@example.com")
