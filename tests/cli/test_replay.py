"""replay: alone, beside a gateway, two at once, and when a gateway starts meanwhile."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from gateway.sandbox import Fault, Sandbox
from tests.cli.process import Shell, register

REFUSED = Fault(kind="status", status=451)
NOWHERE = {"HUBSPOT_BASE_URL": "http://127.0.0.1:9", "SMTP_PORT": "9"}


async def _fail_mails(shell: Shell, sandbox: Sandbox, number: int) -> None:
    """Registrations whose mail is owed, and no gateway running."""
    sandbox.faults.set("email", REFUSED)
    async with shell.serving() as (gateway, url):
        await register(url, *range(1, number + 1))
        assert await gateway.stop() == 0
    sandbox.faults.clear()
    sandbox.mail.messages.clear()


def _mails(sandbox: Sandbox) -> Counter[str]:
    return Counter(str(mail.message_id) for mail in sandbox.mail.messages)


async def test_replay_alone_owns_the_file_for_its_run(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 3)
    done = await shell.run("replay")
    assert done.code == 0, done.err
    assert re.search(r"email +. delivered +. 3", done.out)
    assert done.err == ""
    assert list(_mails(sandbox).values()) == [1, 1, 1]
    assert not (shell.folder / "gateway.db.sock").exists()
    again = await shell.run("replay")
    assert (again.code, again.out) == (0, "Nothing to replay.\n")


async def test_replay_hands_its_work_to_a_running_gateway(shell: Shell, sandbox: Sandbox) -> None:
    """The replay's own settings lead nowhere: what arrives was sent by the owner."""
    sandbox.faults.set("email", REFUSED)
    async with shell.serving() as (gateway, url):
        await register(url, 1, 2)
        sandbox.faults.clear()
        done = await shell.run("replay", "--channel", "email", **NOWHERE)
        assert done.code == 0, done.out + done.err
        assert await gateway.stop() == 0
    assert list(_mails(sandbox).values()) == [1, 1]


@pytest.mark.long
async def test_replay_exits_1_while_something_still_fails(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 1)
    sandbox.faults.set("email", REFUSED)
    done = await shell.run("replay", "--json")
    assert done.code == 1
    (row,) = done.rows()
    assert row["channel"] == "email"
    assert row["result"] == row["outcome"] == "retrying"
    assert row["error_class"] == "unavailable"


@pytest.mark.long
async def test_replay_takes_what_its_filters_name(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 3)
    ids = [row["id"] for row in await shell.rows("--channel", "email")]
    assert (await shell.run("replay", "--until", "2020-01-01")).out == "Nothing to replay.\n"
    rehearsed = await shell.run("replay", "--dry-run")
    assert rehearsed.code == 0
    assert "nothing was sent" in rehearsed.out
    would = (await shell.run("replay", "--dry-run", "--json")).rows()
    assert {row["result"] for row in would} == {"would_send"}
    assert not sandbox.mail.messages
    named = await shell.run("replay", "--id", str(ids[1]), "--json")
    assert [row["id"] for row in named.rows()] == [ids[1]]
    limited = await shell.run("replay", "--limit", "1", "--json")
    assert [row["id"] for row in limited.rows()] == [ids[0]]
    assert len(sandbox.mail.messages) == 2


@pytest.mark.long
async def test_replay_keeps_to_its_rate(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 4)
    await shell.run("replay", "--rate", "4/s", "--channel", "email")
    times = [entry.time for entry in sandbox.journal.applied("email")][-4:]
    assert times[-1] - times[0] >= 0.4


@pytest.mark.long
async def test_two_replays_at_once_send_nothing_twice(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 30)
    sandbox.delays["email"] = 0.05
    both = await asyncio.gather(shell.run("replay", "--json"), shell.run("replay", "--json"))
    assert [done.code for done in both] == [0, 0], [done.err for done in both]
    assert sorted(_mails(sandbox).values()) == [1] * 30
    results = Counter(row["result"] for done in both for row in done.rows())
    assert results["delivered"] == 30


@pytest.mark.long
async def test_two_replays_beside_a_gateway_send_nothing_twice(
    shell: Shell, sandbox: Sandbox
) -> None:
    await _fail_mails(shell, sandbox, 20)
    sandbox.delays["email"] = 0.05
    async with shell.serving() as (gateway, _):
        both = await asyncio.gather(shell.run("replay", "--json"), shell.run("replay", "--json"))
        assert [done.code for done in both] == [0, 0], [done.err for done in both]
        assert await gateway.stop() == 0
    assert sorted(_mails(sandbox).values()) == [1] * 20


@pytest.mark.long
async def test_a_replay_makes_way_for_a_starting_gateway_and_goes_on_as_its_client(
    shell: Shell, sandbox: Sandbox
) -> None:
    await _fail_mails(shell, sandbox, 8)
    sandbox.delays["email"] = 1.0  # all of it takes longer than a starting gateway waits
    async with shell.running("replay", "--concurrency", "1", "--json") as replay:
        await _until(lambda: len(sandbox.mail.messages) >= 1)
        async with shell.serving() as (gateway, url):
            assert len(sandbox.mail.messages) < 8
            done = await replay.finished()
            assert (await register(url, 99))[0]["status"] == "complete"
            assert await gateway.stop() == 0
    assert done.code == 0, done.err
    assert await shell.outcomes("email") == ["delivered"] * 9
    assert sorted(_mails(sandbox).values()) == [1] * 9
    assert Counter(row["result"] for row in done.rows()) == {"delivered": 8}


async def test_a_stale_socket_of_a_dead_owner_does_no_harm(shell: Shell, sandbox: Sandbox) -> None:
    await _fail_mails(shell, sandbox, 1)
    Path(shell.folder / "gateway.db.sock").write_bytes(b"")
    done = await shell.run("replay")
    assert done.code == 0, done.err
    assert len(sandbox.mail.messages) == 1


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)
