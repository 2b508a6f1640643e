"""An online copy: everything goes on meanwhile, and what is committed meanwhile is in it."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import StorageError
from gateway.store import Database, PagedCopy
from gateway.store.copying import not_written
from gateway.store.members import set_meta


async def filled(db: Database, rows: int = 2000) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        for number in range(rows):
            set_meta(connection, f"row {number}", os.urandom(1000).hex())

    await db.write(fill)


async def half_done(copy: PagedCopy) -> None:
    while not copy.done:
        await asyncio.sleep(0)


def names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {name for (name,) in db.execute("SELECT key FROM meta")}


async def test_what_is_committed_meanwhile_does_not_wait_for_the_copy_and_is_in_it(
    db: Database, tmp_path: Path
) -> None:
    await filled(db)
    copy = PagedCopy(tmp_path / "copy")
    making = asyncio.create_task(db.copy(copy))
    await half_done(copy)
    await db.write(lambda connection: set_meta(connection, "meanwhile", "1"))
    await db.checkpoint()
    assert await db.read(lambda connection: connection.execute("SELECT 1").fetchone()[0]) == 1
    assert not making.done()
    assert copy.done < copy.pages
    await making
    assert "meanwhile" in names(tmp_path / "copy")
    await db.write(lambda connection: set_meta(connection, "after", "1"))
    assert "after" not in names(tmp_path / "copy")


async def test_a_unit_that_fails_during_a_copy_fails_alone(db: Database, tmp_path: Path) -> None:
    await filled(db)
    copy = PagedCopy(tmp_path / "copy")
    making = asyncio.create_task(db.copy(copy))
    await half_done(copy)
    with pytest.raises(StorageError):
        await db.write(lambda connection: connection.execute("INSERT INTO nothing VALUES (1)"))
    await making
    assert "row 1999" in names(tmp_path / "copy")


@pytest.mark.parametrize("ended", ["cancelled", "told to end"])
async def test_a_copy_that_nobody_wants_any_more_leaves_nothing(
    db: Database, tmp_path: Path, ended: str
) -> None:
    await filled(db)
    copy = PagedCopy(tmp_path / "copy")
    making = asyncio.create_task(db.copy(copy))
    await half_done(copy)
    making.cancel() if ended == "cancelled" else copy.end()
    await asyncio.wait({making})
    assert making.cancelled() or making.exception() is not None
    assert not (tmp_path / "copy").exists()
    await db.write(lambda connection: set_meta(connection, "after", "1"))
    await db.copy(PagedCopy(tmp_path / "copy"))
    assert "after" in names(tmp_path / "copy")


async def test_two_copies_are_made_one_after_the_other(db: Database, tmp_path: Path) -> None:
    await filled(db, 100)
    both = [PagedCopy(tmp_path / name) for name in ("one", "other")]
    await asyncio.gather(*map(db.copy, both))
    assert names(tmp_path / "one") == names(tmp_path / "other") != set()


async def test_what_a_killed_one_left_makes_way(db: Database, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"half")
    await db.copy(PagedCopy(tmp_path / "copy"))
    assert names(tmp_path / "copy") is not None
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_is_not_there_is_named(db: Database, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="copy could not be written") as raised:
        await db.copy(PagedCopy(tmp_path / "nowhere" / "copy"))
    assert "nowhere must be there" in raised.value.hint
    await db.write(lambda connection: set_meta(connection, "after", "1"))


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    error = not_written(tmp_path / "copy", sqlite3.OperationalError("database or disk is full"))
    assert f"free some space on the disk of {tmp_path}" in error.hint
