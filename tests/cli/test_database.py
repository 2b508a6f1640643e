"""database copy, as it is typed. The databases are real ones."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.store import Database, OwnerLock, rekeying
from gateway.store.postgres import Postgres
from tests.cli.process import Shell
from tests.store.postgres.conftest import cluster, url
from tests.store.postgres.steps import note
from tests.store.postgres.test_moving import rows_of

__all__ = ["cluster", "url"]


async def test_a_file_is_copied_once_and_told_table_by_table(shell: Shell, url: str) -> None:
    assert (await shell.run("status")).code == 0, "it makes the file"
    dry = await shell.run("database", "copy", url, "--dry-run")
    assert (dry.code, "rows would be copied" in dry.out) == (0, True)
    assert sum(rows_of(url).values()) == 0
    done = await shell.run("database", "copy", url)
    assert done.code == 0, done.err
    assert "counted on both sides" in done.out
    assert "GATEWAY_SECRET" in done.out
    assert rows_of(url)["meta"] > 0
    again = await shell.run("database", "copy", url, "--json")
    assert (again.code, again.out) == (2, "")
    assert "holds rows already" in again.err


async def test_a_server_is_copied_into_a_new_file_that_serves(shell: Shell, url: str) -> None:
    on_server = {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET": "s" * 40}
    way_back = ("database", "copy", "sqlite:///back.db")
    nothing = await shell.run(*way_back, **on_server)
    assert (nothing.code, "holds nothing" in nothing.err) == (2, True)
    await written(url, note("kept"))
    dry = await shell.run(*way_back, "--dry-run", **on_server)
    assert (dry.code, "rows would be copied" in dry.out) == (0, True)
    assert not (shell.folder / "back.db").exists()
    done = await shell.run(*way_back, **on_server)
    assert done.code == 0, done.err
    assert "counted on both sides" in done.out
    assert "GATEWAY_DATABASE_URL to sqlite:///back.db" in done.out
    assert {each.name for each in shell.folder.glob("back.db*")} <= {"back.db", "back.db.lock"}
    assert (shell.folder / "back.db").stat().st_mode & 0o777 == 0o600
    here = on_server | {"GATEWAY_DATABASE_URL": "sqlite:///back.db"}
    assert (await shell.run("status", **here)).code == 0
    again = await shell.run(*way_back, "--json", **on_server)
    assert (again.code, again.out) == (2, "")
    assert "back.db is there already" in again.err


async def test_from_a_server_it_goes_to_a_file_and_with_its_own_secret_alone(
    shell: Shell, url: str
) -> None:
    on_server = {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET": "s" * 40}
    for to in ("elsewhere.db", "sqlite:///", url):
        refused = await shell.run("database", "copy", to, **on_server)
        assert (refused.code, "sqlite:///gateway.db" in refused.err) == (2, True)
    await written(url, lambda c: rekeying.set_used(c, {"0" * 16: None}))
    refused = await shell.run("database", "copy", "sqlite:///back.db", **on_server)
    assert (refused.code, "GATEWAY_SECRET does not hold" in refused.err) == (2, True)
    assert not (shell.folder / "back.db").exists()


async def written(url: str, unit: Any) -> None:
    postgres = Postgres(url, lanes=1)
    await postgres.open()
    await postgres.write(unit)
    await postgres.close()


@pytest.mark.parametrize("to", ["elsewhere.db", "postgresql://u:zqz@db.example.com:zqz/shop"])
async def test_a_place_that_is_none_is_refused_and_not_repeated(shell: Shell, to: str) -> None:
    (shell.folder / "gateway.db").touch()
    refused = await shell.run("database", "copy", to)
    assert refused.code == 2
    assert "postgresql://user" in refused.err
    assert "zqz" not in refused.err


async def test_a_file_in_use_or_none_is_not_copied(shell: Shell, url: str) -> None:
    none = await shell.run("database", "copy", url)
    assert (none.code, "There is no gateway.db" in none.err) == (2, True)
    assert not (shell.folder / "gateway.db").exists()
    (shell.folder / "gateway.db").touch()
    with OwnerLock(shell.folder / "gateway.db") as lock:
        assert lock.acquire()
        used = await shell.run("database", "copy", url)
    assert (used.code, "stop it first" in used.err) == (2, True)


async def test_rows_that_another_secret_has_keyed_are_not_copied(shell: Shell, url: str) -> None:
    await _keyed_by(shell.folder / "gateway.db", {"0" * 16: None})
    refused = await shell.run("database", "copy", url, GATEWAY_SECRET="s" * 40)
    assert (refused.code, "GATEWAY_SECRET does not hold" in refused.err) == (2, True)


async def _keyed_by(path: Path, secrets: dict[str, Any]) -> None:
    db = Database(path)
    await db.open()
    await db.write(lambda c: rekeying.set_used(c, secrets))
    await asyncio.shield(db.close())


async def test_a_database_that_is_not_there_is_told_with_what_to_do(shell: Shell) -> None:
    await _keyed_by(shell.folder / "gateway.db", {})
    away = await shell.run("database", "copy", "postgresql://u@127.0.0.1:1/none")
    assert away.code == 1
    assert "Nothing was copied" in away.err
    assert "reached" in away.err
