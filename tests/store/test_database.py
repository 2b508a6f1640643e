"""The file: commits in groups, units that fail alone, and trouble at home."""

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StorageError
from gateway.store import Database, database, members


def note(key: str, value: str = "x") -> Any:
    return lambda db: members.set_meta(db, key, value)


async def notes(db: Database) -> set[str]:
    return set(await db.read(lambda c: [row[0] for row in c.execute("SELECT key FROM meta")]))


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of units in each transaction."""
    sizes: list[int] = []
    real = database._transaction

    def counted(connection: sqlite3.Connection, units: list[Any]) -> list[Any]:
        sizes.append(len(units))
        return real(connection, units)

    monkeypatch.setattr(database, "_transaction", counted)
    return sizes


async def test_concurrent_writes_share_a_commit(db: Database, commits: list[int]) -> None:
    await asyncio.gather(*(db.write(note(f"k{number}")) for number in range(100)))
    assert len(await notes(db)) == 100
    assert sum(commits) == 100
    assert len(commits) <= 2


async def test_writes_that_arrive_during_a_commit_share_the_next_one(
    db: Database, commits: list[int]
) -> None:
    first = asyncio.ensure_future(db.write(note("first")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *(db.write(note(f"k{number}")) for number in range(50)))
    assert sum(commits) == 51
    assert len(commits) <= 3


async def test_a_unit_that_raises_undoes_only_itself(db: Database, commits: list[int]) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        members.set_meta(connection, "half", "x")
        raise LookupError("not this one")

    results = await asyncio.gather(
        db.write(note("before")), db.write(failing), db.write(note("after")), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    assert await notes(db) == {"before", "after"}
    assert commits == [3]


async def test_a_violated_constraint_undoes_only_its_unit(db: Database) -> None:
    def twice(connection: sqlite3.Connection) -> None:
        for _ in range(2):
            connection.execute("INSERT INTO meta VALUES ('twice', 'x')")

    results = await asyncio.gather(
        db.write(note("before")), db.write(twice), db.write(note("after")), return_exceptions=True
    )
    assert isinstance(results[1], Exception)
    assert await notes(db) == {"before", "after"}


async def test_a_cancelled_caller_leaves_no_half_transaction(db: Database) -> None:
    def two_steps(connection: sqlite3.Connection) -> None:
        members.set_meta(connection, "one", "x")
        members.set_meta(connection, "two", "x")

    for pauses in range(6):
        task = asyncio.ensure_future(db.write(two_steps))
        for _ in range(pauses):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.write(note("other"))
        assert await notes(db) in ({"other"}, {"one", "two", "other"})
        await db.write(lambda c: c.execute("DELETE FROM meta"))


async def test_what_was_written_is_there_after_another_start(tmp_path: Path) -> None:
    first = Database(tmp_path / "gateway.db")
    await first.open()
    await first.write(note("kept"))
    await first.close()
    again = Database(tmp_path / "gateway.db")
    await again.open()
    assert "kept" in await notes(again)
    await again.close()


async def test_an_acknowledged_write_is_in_the_files_without_a_close(
    db: Database, tmp_path: Path
) -> None:
    """As after a kill -9: only what is in the files at this moment counts."""
    await db.write(note("kept"))
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("gateway.db", "gateway.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    with sqlite3.connect(copy / "gateway.db") as other:
        assert other.execute("SELECT count(*) FROM meta WHERE key = 'kept'").fetchone() == (1,)
    other.close()


async def test_what_was_wiped_leaves_no_bytes_though_the_journal_began_anew(
    db: Database, tmp_path: Path
) -> None:
    """The journal is written over from its beginning; what is behind that must go, too."""
    await db.write(lambda c: c.execute("INSERT INTO meta VALUES ('room', hex(zeroblob(3000000)))"))
    await db.write(note("a secret of somebody"))
    await db.write(lambda c: c.execute("DELETE FROM meta WHERE key = 'a secret of somebody'"))
    await db.write(note("short"))
    await db.checkpoint()
    files = [tmp_path / "gateway.db", tmp_path / "gateway.db-wal"]
    assert not any(b"a secret of somebody" in file.read_bytes() for file in files)


async def test_commits_are_durable_against_a_power_cut(db: Database) -> None:
    def pragmas(c: sqlite3.Connection) -> list[Any]:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        return [c.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await db.read(pragmas) == ["wal", 2, 1, 1]


async def test_the_file_is_readable_by_its_owner_only(db: Database) -> None:
    assert db.path.stat().st_mode & 0o077 == 0


async def test_nothing_is_promised_into_a_deleted_file(db: Database) -> None:
    await db.write(note("before"))
    db.path.unlink()
    with pytest.raises(StorageError, match="deleted or replaced") as caught:
        await db.write(note("after"))
    assert "gateway.db" in caught.value.hint


async def test_nothing_is_promised_into_a_replaced_file(db: Database, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    sqlite3.connect(other).close()
    other.touch()
    other.replace(db.path)
    with pytest.raises(StorageError, match="deleted or replaced"):
        await db.write(note("after"))


async def test_a_file_that_was_put_back_is_used_again(db: Database, tmp_path: Path) -> None:
    away = tmp_path / "away.db"
    db.path.rename(away)
    with pytest.raises(StorageError):
        await db.write(note("lost"))
    away.rename(db.path)
    await db.write(note("kept"))
    assert await notes(db) == {"kept"}


async def test_a_full_disk_is_a_storage_error_and_recovers_by_itself(db: Database) -> None:
    await db.write(note("before"))
    pages = await db.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await db.read(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    results = await asyncio.gather(
        *(db.write(note(f"k{n}", "x" * 10_000)) for n in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, StorageError) for result in results)
    assert "space" in str(getattr(results[0], "hint", ""))
    await db.read(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await db.write(note("after"))
    assert await notes(db) == {"before", "after"}


async def test_a_locked_file_is_a_storage_error_that_says_so(db: Database) -> None:
    await db.read(lambda c: c.execute("PRAGMA busy_timeout = 10").fetchone())
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked") as caught:
        await db.write(note("after"))
    other.execute("ROLLBACK")
    other.close()
    assert "close it" in caught.value.hint
    await db.write(note("after"))


@pytest.mark.parametrize("content", [b"not a database at all, but longer than a header" * 50])
async def test_a_corrupt_file_is_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        await Database(path).open()
    assert "restore a backup" in caught.value.hint
    assert path.read_bytes() == content


async def test_damage_in_the_middle_of_the_file_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    first = Database(path)
    await first.open()
    for number in range(500):
        await first.write(note(f"k{number}", "x" * 500))
    await first.close()
    whole = bytearray(path.read_bytes())
    whole[8192:] = b"\xff" * len(whole[8192:])
    path.write_bytes(whole)
    again = Database(path)

    async def read_all() -> None:
        await again.open()
        await again.read(lambda c: c.execute("SELECT * FROM meta").fetchall())

    with pytest.raises(StorageError) as caught:
        await read_all()
    await again.close()
    assert "backup" in caught.value.hint


async def test_a_folder_that_does_not_exist_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await Database(tmp_path / "missing" / "gateway.db").open()


async def test_a_closed_database_says_so_instead_of_waiting(tmp_path: Path) -> None:
    closed = Database(tmp_path / "gateway.db")
    await closed.open()
    await closed.close()
    with pytest.raises(StorageError, match="closed"):
        await closed.write(note("late"))
    with pytest.raises(StorageError, match="closed"):
        await closed.read(lambda c: c.execute("SELECT 1"))


async def test_writes_under_way_are_finished_before_the_file_is_closed(tmp_path: Path) -> None:
    closing = Database(tmp_path / "gateway.db")
    await closing.open()
    writes = [asyncio.ensure_future(closing.write(note(f"k{n}"))) for n in range(300)]
    await asyncio.sleep(0)
    await closing.close()
    await asyncio.gather(*writes)
    with sqlite3.connect(closing.path) as other:
        assert other.execute("SELECT count(*) FROM meta").fetchone() == (300,)
    other.close()


async def test_a_checkpoint_leaves_no_bytes_of_what_was_deleted(db: Database) -> None:
    secret = "山田太郎の住所"
    await db.write(note("intent", secret))
    await db.write(lambda c: c.execute("DELETE FROM meta WHERE key = 'intent'"))
    await db.checkpoint()
    for path in db.path.parent.iterdir():
        assert secret.encode() not in path.read_bytes(), path.name


async def test_a_defect_in_the_writer_is_told_and_leaves_nobody_waiting(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(database, "_transaction", broken)
        async with asyncio.timeout(30):
            results = await asyncio.gather(
                *(db.write(note(f"k{n}")) for n in range(3)), return_exceptions=True
            )
    assert all(isinstance(result, Exception) for result in results)
    await db.write(note("after"))
    assert await notes(db) == {"after"}
