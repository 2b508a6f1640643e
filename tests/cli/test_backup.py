"""backup and restore, as they are typed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import run
from gateway.http.control import backup
from gateway.sandbox import Sandbox
from gateway.store import Database
from tests.cli.process import Shell, register
from tests.world import a_world


def links(file: Path) -> int:
    with closing(sqlite3.connect(file)) as db:
        count: int = db.execute("SELECT count(*) FROM links").fetchone()[0]
        return count


async def test_a_backup_beside_serve_is_restored_when_it_has_stopped(
    shell: Shell, sandbox: Sandbox
) -> None:
    async with shell.serving() as (gateway, url):
        await register(url, 1)
        (made,) = (await shell.run("backup", "monday.db", "--json")).rows()
        assert (made["links"], made["open_deliveries"]) == (3, 0)
        assert made["secret"] == f"{shell.folder / 'monday.db'}.secret"
        again = await shell.run("backup", "monday.db")
        assert (again.code, "--overwrite" in again.err) == (2, True)
        await register(url, 2)
        early = await shell.run("restore", "monday.db", "--yes")
        assert (early.code, "stop it first" in early.err) == (2, True)
        dry = await shell.run("restore", "monday.db", "--dry-run")
        assert (dry.code, "could be restored" in dry.out) == (0, True)
        assert await gateway.stop() == 0
    (done,) = (await shell.run("restore", "monday.db", "--yes", "--json")).rows()
    assert (done["restored"], done["made_at"]) == (True, made["made_at"])
    assert (links(shell.folder / "gateway.db"), links(Path(done["kept"]))) == (3, 6)
    backfilled = await shell.run("backfill", "--channel", "crm")
    assert backfilled.code == 0, backfilled.err
    assert links(shell.folder / "gateway.db") == 4
    assert len(sandbox.hubspot.contacts) == len(sandbox.shopify.customers) == 2


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nowhere/b.db", "does not exist, and none is made"),
        (".", "is a folder: name a file in it"),
        ("gateway.db", "is the database's own"),
        ("gateway.db.secret", "is the database's own"),
    ],
)
async def test_a_backup_goes_only_where_it_can_be_and_harms_nothing(
    shell: Shell, file: str, text: str
) -> None:
    told = await shell.run("backup", file, "--overwrite")
    assert (told.code, text in " ".join(told.err.split())) == (2, True), told.err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nothing.db", "No such file"),
        (".env", "is not a database"),
        ("gateway.db", "is the database itself"),
    ],
)
async def test_what_is_no_backup_is_not_restored(shell: Shell, file: str, text: str) -> None:
    shell.write_env(STORE_URL="https://shop.example.com/a-page-that-makes-this-file-longer" * 3)
    await shell.run("status")
    told = await shell.run("restore", file, "--yes")
    assert (told.code, text in told.err) == (2, True), told.err


async def test_a_secret_of_the_settings_is_not_copied(shell: Shell) -> None:
    shell.settings["GATEWAY_SECRET"] = "a secret of sixteen or more"
    told = await shell.run("backup", "monday.db")
    assert (told.code, "keep that with it" in told.out) == (0, True)
    assert not (shell.folder / "monday.db.secret").exists()
    assert "sixteen" not in told.out + told.err


async def test_nobody_is_asked_and_nothing_is_done_without_a_yes(shell: Shell) -> None:
    await shell.run("backup", "monday.db")
    before = (shell.folder / "gateway.db").read_bytes()
    told = await shell.run("restore", "monday.db")
    assert (told.code, "It is whole." in told.err) == (1, True)
    assert (shell.folder / "gateway.db").read_bytes() == before
    assert {each.name for each in shell.folder.glob("gateway.db.*")} == {
        "gateway.db.lock",
        "gateway.db.secret",
    }


class Owner:
    """Whoever owns the file, as a command hears it."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self._events = events

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        for event in self._events:
            yield event
            await asyncio.sleep(0)


def test_an_owner_that_could_not_write_it_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from gateway.cli import main

    event = {"event": "end", "error": "b.db.new could not be written", "hint": "free some space"}

    async def with_owner(live: Any, role: Any, action: Any) -> Any:
        return await action(Owner({"event": "progress", "done": 0, "pages": 0}, event))

    monkeypatch.setattr(run, "with_owner", with_owner)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["backup", "b.db"])
    assert ended.value.code == 1
    text = "There is no backup: b.db.new could not be written\n  free some space"
    assert text in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


async def test_an_owner_that_sees_another_folder_makes_no_copy_there(tmp_path: Path) -> None:
    draft = tmp_path / "nobody has announced it"
    async with a_world(tmp_path) as world:
        assert isinstance(world.core.db, Database)
        events = [each async for each in backup._copy(world.core.db, draft, asyncio.Event())]
    assert ["sees another folder" in each["error"] for each in events] == [True]
    assert not draft.exists()


async def test_a_database_that_was_put_back_by_hand_is_marked_as_by_restore(
    shell: Shell, sandbox: Sandbox
) -> None:
    assert (await shell.run("status")).code == 0, "it makes the file"
    assert (await shell.run("database", "restored")).code == 1, "nobody has said yes"
    with closing(sqlite3.connect(shell.folder / "gateway.db")) as db:
        db.execute(
            """INSERT INTO deliveries (customer_id, channel, kind, outcome, created_at, updated_at)
               VALUES (7, 'email', 'registration', 'retrying', 1.0, 1.0)"""
        )
        db.commit()
    (marked,) = (await shell.run("database", "restored", "--yes", "--json")).rows()
    assert marked == {"mails": 1, "merges": 0}
    with closing(sqlite3.connect(shell.folder / "gateway.db")) as db:
        assert db.execute("SELECT outcome FROM deliveries").fetchone() == ("failed",)
        assert db.execute("SELECT count(*) FROM meta WHERE key = 'rewound_at'").fetchone() == (1,)
        assert db.execute("SELECT seq FROM sqlite_sequence").fetchone()[0] > 1_000_000
