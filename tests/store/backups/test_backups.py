"""What a backup holds, and what it does not."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import CommandRefused, StorageError
from gateway.store import Keys, backups, migration, secret_path
from tests.store.backups.conftest import MADE_AT, SEALED, made, run


async def test_it_says_what_it_holds(path: Path, tmp_path: Path) -> None:
    found = await made(path, tmp_path / "b.db")
    keys = Keys.load(None, path)
    expected = backups.Backup(MADE_AT, migration.newest(), 1, 0, 1, (keys.fingerprint,))
    assert found == expected
    assert not found.lacks(keys)
    assert found.lacks(Keys("another secret of sixteen"))


async def test_no_sealed_data_is_in_it_not_even_where_the_row_was(backup: Path, path: Path) -> None:
    assert SEALED[:40] in path.read_bytes()
    assert SEALED[:40] not in backup.read_bytes()
    assert run(backup, "SELECT id FROM registrations") == [("r1",)]


def test_it_is_one_file_and_its_secret_for_their_owner_alone(backup: Path, path: Path) -> None:
    assert {each.name for each in backup.parent.iterdir()} == {"monday.db", "monday.db.secret"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in backup.parent.iterdir()} == {0o600}
    assert secret_path(backup).read_text() == secret_path(path).read_text()
    assert run(backup, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize("taken", ["monday.db", "monday.db.secret"])
def test_an_existing_one_is_not_replaced_unasked(backup: Path, taken: str) -> None:
    for each in backup.parent.iterdir():
        if each.name != taken:
            each.unlink()
    with pytest.raises(CommandRefused, match="--overwrite"):
        backups.refuse_existing(backup)


@pytest.mark.parametrize(
    ("script", "error", "text"),
    [
        ("DROP TABLE links", CommandRefused, "not the database of a gateway"),
        ("PRAGMA user_version = 9999", CommandRefused, "newer version"),
        ("INSERT INTO attempts VALUES (1, 99, 0, 0, 'x', NULL, NULL, 1, NULL)", StorageError,
         "a row of attempts refers to nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_restored_is_told(
    backup: Path, script: str, error: type[Exception], text: str
) -> None:
    run(backup, script)
    with (
        closing(sqlite3.connect(backup)) as db,
        pytest.raises(error, match=text),
    ):
        backups.examined(db, backup.name, MADE_AT)


def test_a_damaged_page_is_found(backup: Path) -> None:
    whole = bytearray(backup.read_bytes())
    page = 4096 * (len(whole) // 4096 // 2)
    whole[page : page + 4096] = b"\xff" * 4096
    backup.write_bytes(whole)
    with closing(sqlite3.connect(backup)) as db, pytest.raises(StorageError, match=r"damaged|read"):
        backups.examined(db, backup.name, MADE_AT)
