"""A change of .env reaches a running `serve` within two seconds; a bad one changes nothing."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.sandbox import Sandbox
from tests.cli.process import Process, Shell, register

OFF = {"FLAG_SMAREGI": "off", "FLAG_CRM": "off", "FLAG_EMAIL": "off", "FLAG_UPDATES": "off"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """Settings and flags are in `.env`, the environment has nothing but the port."""
    folder = tmp_path / "shop"
    folder.mkdir()
    shell = Shell(folder, {"GATEWAY_PORT": "0"})
    shell.write_env(**sandbox.environment(), **OFF)
    return shell


@asynccontextmanager
async def _serving(shell: Shell) -> AsyncIterator[tuple[Process, str]]:
    async with shell.serving() as (gateway, url):
        yield gateway, url
        assert "Traceback" not in gateway.log
        assert await gateway.stop() == 0


async def _outcome(url: str, number: int, channel: str) -> str:
    (answer,) = await register(url, number)
    return str(answer["channels"][channel]["outcome"])


async def test_a_flag_changed_in_env_takes_effect_within_two_seconds(
    shell: Shell, sandbox: Sandbox
) -> None:
    async with _serving(shell) as (gateway, url):
        assert await _outcome(url, 1, "crm") == "skipped"
        shell.write_env(**sandbox.environment(), **OFF | {"FLAG_CRM": "on"})
        began = time.perf_counter()
        await gateway.says("FLAG_CRM: off -> on")
        assert time.perf_counter() - began < 2
        assert await _outcome(url, 2, "crm") == "delivered"
        assert "FLAG_EMAIL:" not in gateway.log


async def test_sighup_reloads_at_once(shell: Shell, sandbox: Sandbox) -> None:
    async with _serving(shell) as (gateway, url):
        shell.write_env(**sandbox.environment(), **OFF | {"FLAG_EMAIL": "hold"})
        gateway.send(signal.SIGHUP)
        await gateway.says("FLAG_EMAIL: off -> hold")
        assert await _outcome(url, 1, "email") == "held"


async def test_new_credentials_are_taken_and_the_channel_goes_on(
    shell: Shell, sandbox: Sandbox
) -> None:
    flags = OFF | {"FLAG_CRM": "on"}
    wrong = sandbox.environment() | {"HUBSPOT_ACCESS_TOKEN": "pat-wrong"}
    shell.write_env(**wrong, **flags)
    async with _serving(shell) as (gateway, url):
        (answer,) = await register(url, 1)
        assert answer["channels"]["crm"]["error_class"] == "auth"
        shell.write_env(**sandbox.environment(), **flags)
        await gateway.says("settings were reloaded")
        assert await _outcome(url, 2, "crm") == "delivered"
        async with asyncio.timeout(30):
            while len(sandbox.hubspot.contacts) < 2:
                await asyncio.sleep(0.02)
        assert "pat-" not in gateway.log


async def test_new_api_keys_are_taken(shell: Shell, sandbox: Sandbox) -> None:
    async with _serving(shell) as (gateway, url):
        keys = {"GATEWAY_API_KEYS": "a-key-of-16-letters"}
        shell.write_env(**sandbox.environment(), **OFF, **keys)
        await gateway.says("settings were reloaded")
        with pytest.raises(AssertionError, match="unauthorized"):
            await register(url, 1)


async def test_a_channel_switched_on_without_its_settings_keeps_the_old_flags(
    shell: Shell, sandbox: Sandbox
) -> None:
    settings = sandbox.environment() | {"HUBSPOT_ACCESS_TOKEN": ""}
    shell.write_env(**settings, **OFF)
    async with _serving(shell) as (gateway, url):
        shell.write_env(**settings, **OFF | {"FLAG_CRM": "on", "FLAG_EMAIL": "on"})
        await gateway.says(r"not taken over.*HUBSPOT_ACCESS_TOKEN: is not set")
        (answer,) = await register(url, 1)
        assert answer["channels"]["crm"]["outcome"] == "skipped"
        assert answer["channels"]["email"]["outcome"] == "skipped"
        shell.write_env(**sandbox.environment(), **OFF | {"FLAG_CRM": "on"})
        await gateway.says("FLAG_CRM: off -> on")


UNFIT = (
    (b"\xff\xfe\x00 FLAG_CRM=on\n", r"\.env: cannot be read"),
    (b"FLAG_CRM=on\nthis is 'no line\n", r"\.env: line 2 is not VARIABLE=value"),
    (b"FLAG_CRM=zzq-marker\n", r"FLAG_CRM \(in \.env\): cannot be read"),
    (b"FLAG_CRMM=on\n", r"FLAG_CRMM \(in \.env\) belongs to no flag"),
    (b"GATEWAY_RATE_LIMIT=zzq-marker\n", r"GATEWAY_RATE_LIMIT: "),
)


async def test_a_file_that_cannot_be_read_keeps_the_old_values(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.settings |= sandbox.environment()
    shell.write_env(**OFF | {"FLAG_CRM": "hold"})
    async with _serving(shell) as (gateway, url):
        for number, (content, said) in enumerate(UNFIT, start=1):
            (shell.folder / ".env").write_bytes(content)
            gateway.send(signal.SIGHUP)
            await gateway.says(rf"not taken over, the old values stay: {said}")
            assert await _outcome(url, number, "crm") == "held"
        assert "zzq-marker" not in gateway.log


@pytest.mark.long
async def test_what_cannot_change_while_it_runs_is_named(shell: Shell, sandbox: Sandbox) -> None:
    async with _serving(shell) as (gateway, url):
        shell.write_env(**sandbox.environment(), **OFF, GATEWAY_DATABASE_URL="sqlite:///b.db")
        await gateway.says("a restart is needed for GATEWAY_DATABASE_URL")
        await register(url, 1)
        assert not (shell.folder / "b.db").exists()


async def test_warnings_are_told_at_the_start(shell: Shell, sandbox: Sandbox) -> None:
    shell.settings["FLAG_CRM"] = "off"
    shell.write_env(**sandbox.environment(), FLAG_CRM="on", FLAG_SMAREGI="off", FLAG_UPDATES="off")
    (shell.folder / ".env").chmod(0o644)
    async with _serving(shell) as (gateway, _):
        await gateway.says("FLAG_CRM in .env has no effect: the environment sets it too")
        await gateway.says("FLAG_EMAIL is not set: it counts as off")
        await gateway.says(r"\.env can be read by every user of this machine \(mode 644\)")
        await gateway.says(rf"database {shell.folder}/gateway\.db: new, made just now")
        assert (shell.folder / "gateway.db.secret").stat().st_mode & 0o777 == 0o600
        assert (shell.folder / "gateway.db.sock").stat().st_mode & 0o777 == 0o600
