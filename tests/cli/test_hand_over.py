"""The file goes from a command to a starting `serve`, and back, on a busy machine: real processes.

Whoever runs on goes on; nobody is sent twice, nobody is left out.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.sandbox import HubspotOptions, Sandbox, SandboxOptions
from tests.cli import process
from tests.cli.process import Process, Shell
from tests.sync.backfill.runs import in_the_shop, numbers

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

EVERYBODY = 400
BUSY = 2
"""Processes that want the processor all the time."""
PATIENCE = 180.0
"""Seconds for a process to start here."""
TRIALS = pytest.mark.parametrize("trial", range(3))


@pytest.fixture
def options() -> SandboxOptions:
    return SandboxOptions(hubspot=HubspotOptions(per_ten_seconds=100_000))


@pytest.fixture(autouse=True)
async def busy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(process, "_PATIENCE", PATIENCE)
    loops = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
        for _ in range(BUSY)
    ]
    try:
        yield
    finally:
        for loop in loops:
            with suppress(ProcessLookupError):
                loop.kill()
            await loop.wait()


@asynccontextmanager
async def a_backfill(shell: Shell, sandbox: Sandbox) -> AsyncIterator[Process]:
    """Somebody was sent, most are not yet."""
    in_the_shop(sandbox, EVERYBODY)
    sandbox.delays["crm"] = 1.5
    async with shell.running("backfill", "--channel", "crm") as running:
        async with asyncio.timeout(PATIENCE):
            while not sandbox.hubspot.contacts:
                await asyncio.sleep(0.02)
        yield running


async def all_are_sent_once(
    sandbox: Sandbox, running: Process, codes: tuple[int, ...] = (0,)
) -> None:
    left = len(sandbox.hubspot.contacts)
    assert left < EVERYBODY, "the hand-over came too late to show anything"
    sandbox.delays["crm"] = 0.0
    done = await running.finished()
    assert done.code in codes, done.out + done.err
    async with asyncio.timeout(PATIENCE):
        while len(sandbox.hubspot.contacts) < EVERYBODY:
            await asyncio.sleep(0.05)
    assert len(numbers(sandbox)) == len(set(numbers(sandbox))) == EVERYBODY


@TRIALS
async def test_a_command_gives_the_file_to_a_starting_serve_and_goes_on(
    shell: Shell, sandbox: Sandbox, trial: int
) -> None:
    async with a_backfill(shell, sandbox) as running, shell.serving() as (gateway, _):
        await all_are_sent_once(sandbox, running)
        assert await gateway.stop() == 0


@TRIALS
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_serve_that_ends_and_starts_again_finds_its_command_there(
    shell: Shell, sandbox: Sandbox, how: signal.Signals, trial: int
) -> None:
    async with shell.serving() as (first, _), a_backfill(shell, sandbox) as done:
        await first.stop(how)
        async with shell.serving() as (second, _):
            await all_are_sent_once(sandbox, done)
            assert await second.stop() == 0


@TRIALS
async def test_a_command_that_is_stopped_for_a_while_keeps_nobody_from_serving(
    shell: Shell, sandbox: Sandbox, trial: int
) -> None:
    """Longer than a call to an upstream may take: what was under way is tried again."""
    async with a_backfill(shell, sandbox) as running:
        running.send(signal.SIGSTOP)
        again = {"GATEWAY_AUTO_REPLAY": "true", "GATEWAY_RETRY_SCHEDULE": "1,1,1,1"}
        async with shell.running("serve", **again) as gateway:
            await asyncio.sleep(25)
            assert gateway.code is None, gateway.log
            running.send(signal.SIGCONT)
            await gateway.url()
            await all_are_sent_once(sandbox, running, (0, 1))
            assert await gateway.stop() == 0


@TRIALS
async def test_of_two_that_start_beside_a_command_one_serves_and_one_says_so(
    shell: Shell, sandbox: Sandbox, trial: int
) -> None:
    async with (
        a_backfill(shell, sandbox) as running,
        shell.running("serve") as one,
        shell.running("serve") as other,
    ):
        async with asyncio.timeout(PATIENCE):
            while one.code is None and other.code is None:
                await asyncio.sleep(0.05)
        refused, serves = (one, other) if one.code is not None else (other, one)
        assert (refused.code, serves.code) == (2, None), refused.log + serves.log
        assert "another gateway serves from gateway.db already" in refused.log
        await serves.url()
        await all_are_sent_once(sandbox, running)
        assert await serves.stop() == 0
