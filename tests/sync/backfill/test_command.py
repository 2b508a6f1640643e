"""The command: alone, beside a gateway, refused, interrupted."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from flags import load
from gateway.sandbox import Fault, HubspotOptions, Sandbox, SandboxOptions
from gateway.sync.backfill import BackfillOptions, refusal
from tests.cli.process import Shell, register
from tests.sync.backfill.runs import in_the_shop, numbers

NOWHERE = {"HUBSPOT_BASE_URL": "http://127.0.0.1:9"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    options = SandboxOptions(hubspot=HubspotOptions(per_ten_seconds=100_000))
    async with Sandbox(options) as sandbox:
        yield sandbox


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shell.beside(sandbox, folder)


def asked(sandbox: Sandbox) -> list[str]:
    """What the upstreams heard."""
    return [f"{entry.system} {entry.operation}" for entry in sandbox.journal]


def dumped(database: Path) -> str:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return "\n".join(db.iterdump())


async def test_alone_it_owns_the_file_and_shows_a_table(shell: Shell, sandbox: Sandbox) -> None:
    in_the_shop(sandbox, 30)
    counted = await shell.run("backfill", "--channel", "crm", "--dry-run")
    assert counted.code == 0, counted.err
    assert re.search(r"would_send +. 30 +. nothing was sent: without", counted.out)
    assert "nothing was written or sent" in counted.out
    assert sandbox.hubspot.contacts == {}
    done = await shell.run("backfill", "--channel", "crm")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"delivered +. 30 ", done.out)
    assert len(numbers(sandbox)) == 30
    assert not (shell.folder / "gateway.db.sock").exists()
    dump = dumped(shell.folder / "gateway.db")
    assert "backfill" in dump
    assert not [trace for trace in ("early", "example.com", "山田", "太郎") if trace in dump]


async def test_it_exits_1_when_somebody_was_refused(shell: Shell, sandbox: Sandbox) -> None:
    in_the_shop(sandbox, 3)
    sandbox.faults.set("crm", Fault(kind="status", status=400, match="POST /contacts", times=1))
    done = await shell.run("backfill", "--channel", "crm")
    assert done.code == 1
    assert re.search(r"failed +. 1 ", done.out)


async def test_it_exits_1_with_words_when_it_cannot_go_on(shell: Shell, sandbox: Sandbox) -> None:
    in_the_shop(sandbox, 3)
    sandbox.faults.set("crm", Fault(kind="status", status=401))
    done = await shell.run("backfill", "--channel", "crm")
    assert done.code == 1
    assert "crm refuses our credentials: mend them. Run the same command again" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("mode", ["off", "hold", "dry_run"])
def test_every_flag_that_is_not_on_is_refused(mode: str) -> None:
    flags = load(["crm"], {"FLAG_CRM": mode}, {})
    for dry_run in (False, True):
        reason = refusal(flags, BackfillOptions("crm", dry_run=dry_run))
        assert f"FLAG_CRM is {mode}" in (reason or "")
    assert refusal(load(["crm"], {"FLAG_CRM": "on"}, {}), BackfillOptions("crm")) is None


async def test_a_refusal_comes_before_anything_is_read(shell: Shell, sandbox: Sandbox) -> None:
    in_the_shop(sandbox, 3)
    done = await shell.run("backfill", "--channel", "smaregi", FLAG_SMAREGI="hold")
    assert done.code == 2
    assert "FLAG_SMAREGI is hold" in done.err
    assert asked(sandbox) == []
    assert list(shell.folder.iterdir()) == []


@pytest.mark.long
async def test_mail_wants_to_be_asked_for(shell: Shell, sandbox: Sandbox) -> None:
    in_the_shop(sandbox, 3)
    done = await shell.run("backfill", "--channel", "email")
    assert done.code == 2
    assert "--yes-send-mail" in done.err
    assert asked(sandbox) == []
    counted = await shell.run("backfill", "--channel", "email", "--dry-run")
    assert counted.code == 0
    assert not sandbox.mail.messages
    done = await shell.run("backfill", "--channel", "email", "--yes-send-mail")
    assert done.code == 0, done.err
    assert sorted(mail.recipients[0] for mail in sandbox.mail.messages) == [
        f"early{number}@example.com" for number in range(3)
    ]


@pytest.mark.parametrize(
    "arguments",
    [(), ("--channel", "crm", "--since", "tomorrow")],
    ids=["no channel", "no such time"],
)
async def test_wrong_usage_exits_2(
    shell: Shell, sandbox: Sandbox, arguments: tuple[str, ...]
) -> None:
    done = await shell.run("backfill", *arguments)
    assert done.code == 2
    assert done.err.strip()
    assert "Traceback" not in done.err


@pytest.mark.long
async def test_times_are_read_as_in_the_other_commands(shell: Shell, sandbox: Sandbox) -> None:
    early, late = in_the_shop(sandbox, 2)
    early.created_at = early.updated_at = 1_700_000_000
    late.created_at = late.updated_at = 1_700_100_000
    done = await shell.run(
        "backfill", "--channel", "crm", "--since", "2023-11-15", "--until", "2023-11-16T12:00+09:00"
    )
    assert done.code == 0, done.err
    assert numbers(sandbox) == [late.id]
    nobody = await shell.run("backfill", "--channel", "crm", "--until", "2020-01-01")
    assert (nobody.code, nobody.out, nobody.err) == (0, "Nobody to backfill.\n", "")


async def test_a_running_gateway_does_the_work_and_has_the_last_word(
    shell: Shell, sandbox: Sandbox
) -> None:
    """The command's own settings lead nowhere: what arrives was sent by the owner."""
    in_the_shop(sandbox, 120)
    async with shell.serving(FLAG_EMAIL="hold") as (gateway, url):
        signing_up = asyncio.create_task(register(url, 1))
        *both, refused = await asyncio.gather(
            *(shell.run("backfill", "--channel", "crm", **NOWHERE) for _ in range(2)),
            shell.run("backfill", "--channel", "email", "--yes-send-mail"),
        )
        assert [done.code for done in both] == [0, 0], [done.out + done.err for done in both]
        assert refused.code == 2
        assert "FLAG_EMAIL is hold" in refused.err
        await signing_up
        assert await gateway.stop() == 0
    assert len(numbers(sandbox)) == len(set(numbers(sandbox))) == 121
    assert not sandbox.mail.messages


@pytest.mark.long
async def test_it_makes_way_for_a_starting_gateway_and_goes_on_as_its_client(
    shell: Shell, sandbox: Sandbox
) -> None:
    in_the_shop(sandbox, 260)
    sandbox.delays["crm"] = 0.8
    async with shell.running("backfill", "--channel", "crm") as running:
        async with asyncio.timeout(30):
            while not sandbox.hubspot.contacts:
                await asyncio.sleep(0.02)
        async with shell.serving() as (gateway, _):
            assert len(sandbox.hubspot.contacts) < 260
            sandbox.delays["crm"] = 0.0
            done = await running.finished()
            async with asyncio.timeout(30):
                while len(sandbox.hubspot.contacts) < 260:
                    await asyncio.sleep(0.05)
            assert await gateway.stop() == 0
    assert done.code == 0, done.out + done.err
    assert len(numbers(sandbox)) == len(set(numbers(sandbox))) == 260
