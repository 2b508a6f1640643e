"""`check` names what is wrong with the database, its folder and files that others may read."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.app.checks import run_checks
from gateway.app.config import LiveConfig
from gateway.sandbox import Sandbox
from gateway.store import OwnerLock
from gateway.wire import dry_run
from tests.cli.mistakes.checking import checked, live_config
from tests.world import a_world


async def _no_folder(folder: Path) -> str:
    return f"sqlite:///{folder / 'srv' / 'gateway.db'}"


async def _a_link(folder: Path) -> str:
    (folder / "linked.db").symlink_to(folder / "gateway.db")
    return f"sqlite:///{folder / 'linked.db'}"


async def _too_deep(folder: Path) -> str:
    deep = folder / ("x" * 110)
    deep.mkdir()
    return f"sqlite:///{deep / 'gateway.db'}"


async def _no_database(folder: Path) -> str:
    file = folder / "gateway.db"
    file.write_text("no database at all, however long it may be")
    file.chmod(0o600)
    return f"sqlite:///{file}"


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_no_folder, "its folder does not exist, and none is made"),
        (_a_link, "linked.db is a symbolic link"),
        (_too_deep, "bytes, and the system takes 103"),
        (_no_database, "move gateway.db away"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named(
    sandbox: Sandbox, tmp_path: Path, plant: Callable[[Path], Awaitable[str]], said: str
) -> None:
    url = await plant(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    (check,) = (await checked(sandbox, tmp_path, GATEWAY_DATABASE_URL=url)).values()
    assert (check.name, check.ok) == ("Database", False)
    assert said in check.detail
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (check,) = (await checked(sandbox, tmp_path)).values()
    tmp_path.chmod(0o700)
    assert "its folder cannot be written" in check.detail


async def test_a_folder_where_nothing_can_be_made_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    proc = {"GATEWAY_DATABASE_URL": "sqlite:////proc/gateway.db"}
    (check,) = (await checked(sandbox, tmp_path, **proc)).values()
    assert "GATEWAY_DATABASE_URL: its f" in check.detail
    assert "writable for this user" in check.detail


async def test_files_that_others_may_read_are_warned_about(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    live = live_config(sandbox, tmp_path)
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    watched = LiveConfig(live.current, file=tmp_path / ".env")
    (check,) = [each for each in await run_checks(watched) if each.warns]
    assert check.ok
    assert check.detail == (
        ".env can be read by every user of this machine (mode 644): chmod 600 .env"
    )


async def test_what_the_database_holds_is_told(tmp_path: Path) -> None:
    async with a_world(tmp_path, FLAG_CRM="hold") as world:
        assert (await world.register()).status == 201
        await world.settled()
        live = world.live
        lock = OwnerLock(live.current.gateway.database_path)
        assert lock.acquire()
        assert "in use by a gateway or a command" in await _told(live)
        lock.release()
        await world.stop()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert "known, 2 links, 1 open delivery" in await _told(live)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def _told(live: LiveConfig) -> str:
    (check,) = [each for each in await run_checks(live) if each.name == "Database"]
    dry_run.set(False)
    return check.detail
