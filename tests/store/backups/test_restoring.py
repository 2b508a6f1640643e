"""A backup takes the database's place: proven first, and whole whatever dies in between."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import CommandRefused, StorageError
from gateway.store import Database, Keys, migration, restoring, secret_path
from tests.store.backups.conftest import made, run
from tests.store.test_migration import old_file

NOW = 1_795_990_000.0


def restored(file: Path, path: Path, setting: str | None = None) -> Path | None:
    return restoring.put_in_place(restoring.prepare(file, path, setting, ["email"], NOW), path, NOW)


def links(path: Path) -> list[int]:
    return [customer for (customer,) in run(path, "SELECT customer_id FROM links")]


def everything(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def changed(path: Path) -> None:
    """As if days had gone by, under another secret."""
    run(path, "UPDATE links SET customer_id = 8")
    secret_path(path).write_text("the secret of the days since\n")


def test_the_database_is_the_backup_and_what_it_was_stays_beside(backup: Path, path: Path) -> None:
    changed(path)
    kept = restored(backup, path)
    assert kept is not None
    assert (links(path), links(kept)) == ([7], [8])
    assert secret_path(path).read_text() == secret_path(backup).read_text()
    assert secret_path(kept).read_text() == "the secret of the days since\n"
    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}


def test_a_restore_is_taken_back_by_another(backup: Path, path: Path) -> None:
    changed(path)
    kept = restored(backup, path)
    assert kept is not None
    run(kept, "DELETE FROM meta WHERE key = 'secrets'")  # it was keyed by the backup's in truth
    again = restored(kept, path)
    assert again not in {None, kept}
    assert links(path) == [8]
    assert secret_path(path).read_text() == "the secret of the days since\n"


def test_a_lost_database_is_restored(backup: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "new"
    elsewhere.mkdir()
    assert restored(backup, elsewhere / "gateway.db") is None
    assert links(elsewhere / "gateway.db") == [7]
    assert secret_path(elsewhere / "gateway.db").read_text() == secret_path(backup).read_text()


def test_commits_that_are_only_in_the_journal_stay_with_what_was_replaced(
    backup: Path, path: Path
) -> None:

    alive = sqlite3.connect(path, isolation_level=None)
    alive.execute("UPDATE links SET customer_id = 9")
    os.link(f"{path}-wal", path.with_name("wal"))  # the process died: nobody folded it in
    alive.close()
    os.link(path.with_name("wal"), f"{path}-wal")
    kept = restored(backup, path)
    assert kept is not None
    assert not list(path.parent.glob("*-wal")), "a kill in between would part it from its file"
    assert (links(kept), links(path)) == ([9], [7])


@pytest.mark.parametrize("damage", ["no database", "cut off", "newer", "not there", "other secret"])
def test_what_cannot_be_restored_changes_nothing(backup: Path, path: Path, damage: str) -> None:
    def cut() -> None:
        with backup.open("r+b") as file:
            file.truncate(backup.stat().st_size // 2)

    mends: dict[str, Callable[[], object]] = {
        "no database": lambda: backup.write_bytes(b"not a database " * 500),
        "cut off": cut,
        "newer": lambda: run(backup, "PRAGMA user_version = 9999"),
        "not there": backup.unlink,
        "other secret": lambda: secret_path(backup).write_text("of some other database\n"),
    }
    mends[damage]()
    before = everything(path.parent)
    with pytest.raises((CommandRefused, StorageError), match=backup.name):
        restored(backup, path)
    assert everything(path.parent) == before


def test_a_backup_without_its_secret_is_restored_where_the_secret_is_still_at_hand(
    backup: Path, path: Path
) -> None:
    secret = secret_path(backup).read_text().strip()
    secret_path(backup).unlink()
    restored(backup, path)
    assert links(path) == [7]
    restored(backup, path, f"a newer secret of ours,{secret}")
    secret_path(path).write_text("the secret of the days since\n")
    with pytest.raises(CommandRefused, match="put that file beside the backup"):
        restored(backup, path)


async def test_a_backup_of_an_older_version_is_brought_up_to_date(
    path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    old = old_file(folder)
    restored(old, path)
    assert run(path, "PRAGMA user_version") == [(migration.newest(),)]
    db = Database(path)
    await db.open()
    await db.close()


@pytest.mark.parametrize("killed_at", range(5))
def test_a_kill_in_between_leaves_a_database_that_can_be_read(
    backup: Path, path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """At each replacement of a file: the database is the one or the other, with its secret."""
    changed(path)
    run(path, "UPDATE meta SET value = json_object(?, NULL) WHERE key = 'secrets'",
        Keys("the secret of the days since").fingerprint)  # fmt: skip
    prepared = restoring.prepare(backup, path, None, ["email"], NOW)
    replaced, replace = 0, Path.replace

    def dying(self: Path, target: Path) -> Path:
        nonlocal replaced
        replaced += 1
        if replaced > killed_at:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    if killed_at < 4:
        with pytest.raises(KeyboardInterrupt):
            restoring.put_in_place(prepared, path, NOW)
    else:
        restoring.put_in_place(prepared, path, NOW)
    monkeypatch.undo()
    assert links(path) == ([8] if killed_at < 3 else [7])
    needed = run(path, "SELECT key FROM json_each((SELECT value FROM meta WHERE key = 'secrets'))")
    fingerprints = {each.fingerprint for each in Keys.load(None, path).every}
    assert {name for (name,) in needed} <= fingerprints
    restored(backup, path)
    assert secret_path(path).read_text() == secret_path(backup).read_text()


async def test_a_backup_is_not_changed_by_its_restore(backup: Path, path: Path) -> None:
    before = everything(backup.parent)
    restored(backup, path)
    await made(path, path.with_name("another"))
    assert everything(backup.parent) == before
