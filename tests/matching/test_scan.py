"""The scan of a store with many members: hashed elsewhere, killed and taken up, all rows equal."""

import asyncio
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.matching import MemberIndex, hashing, scan
from gateway.matching.hashing import PageHasher
from gateway.matching.match_keys import MemberHasher
from gateway.store import Database, Keys, members
from tests.benchmarks.members import Row, made
from tests.matching.rows import Source, member, stamp

NOW = 1_790_000_000.0
HASHER = MemberHasher(b"k" * 32)
_KEY = marshal.dumps(b"k" * 32)


@cache
def many() -> list[Row]:
    return list(made(3000))


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(path: Path, source: Source, clock: Clock) -> AsyncIterator[MemberIndex]:
    db = Database(path)
    await db.open()
    index = MemberIndex(db, Keys("a secret of the tests"), source, clock)
    await index.open()
    try:
        yield index
    finally:
        await index.close()
        await db.close()


async def table(index: MemberIndex) -> list[tuple[Any, ...]]:
    query = f"SELECT {members.COLUMNS} FROM members ORDER BY member_id"
    return await index._db.read(lambda db: [tuple(row) for row in db.execute(query)])


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def test_what_a_kill_leaves_is_taken_up_and_ends_in_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "FULL_PAGE", 500)
    monkeypatch.setattr(members, "PART", 700)
    source, clock = Source(*many(), page=500), Clock()
    async with opened(tmp_path / "killed.db", source, clock) as first:
        real, source.held = source.member_page, asyncio.Event()

        async def stops_after_two(from_id: int, since: str | None) -> Any:
            return await (real(from_id, since) if from_id > 1000 else free(from_id, since))

        async def free(from_id: int, since: str | None) -> Any:
            return [row for row in many() if int(row["customerId"]) >= from_id][:500]

        monkeypatch.setattr(source, "member_page", stops_after_two)
        first.start_scan()
        await until(lambda: first.progress.pages == 2)
        for end in ("", "-wal"):
            shutil.copy(tmp_path / f"killed.db{end}", tmp_path / f"left.db{end}")
    monkeypatch.setattr(source, "member_page", real)
    source.held = None
    source.asked.clear()
    async with opened(tmp_path / "left.db", source, clock) as again:
        assert not again.ready
        await again.start_scan()
        assert source.asked[0] == (1001, None)
        resumed = await table(again)
    async with opened(tmp_path / "whole.db", source, clock) as whole:
        await whole.start_scan()
        assert await table(whole) == resumed
    assert resumed == [whole._hasher.values(row) for row in many()]


async def test_a_process_of_its_own_hashes_as_the_loop_does_and_may_die(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = many()[:1000]
    hasher = PageHasher(HASHER)
    expected = [HASHER.values(row) for row in rows]
    try:
        for _ in range(6):
            assert (await hasher(rows)).values == expected
        await until(lambda: hasher._usable)
        done = await hasher(rows)
        assert hasher._usable
        assert done.values == expected
        assert done.newest == max(row["updDateTime"] for row in rows)
        assert hasher._process is not None
        hasher._process.kill()
        assert (await hasher(rows)).values == expected
        assert "going on without it" in caplog.text
    finally:
        await hasher.close()


async def test_the_process_ends_when_nobody_is_left_to_ask_it() -> None:
    hasher = PageHasher(HASHER)
    await hasher(many()[:1])
    hasher._starting = asyncio.get_running_loop().run_in_executor(None, hasher._start)
    await hasher._starting
    process = hasher._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as the end of this process, however it comes, would
    assert await asyncio.to_thread(process.wait, 10) == 0
    await hasher.close()


async def test_members_of_every_part_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "PART", 50)
    monkeypatch.setattr(scan, "FULL_PAGE", 100)
    source = Source(*(member(n, NOW - 60) for n in range(1, 450)), page=100)
    async with opened(tmp_path / "gateway.db", source, Clock()) as index:
        await index.start_scan()
        for number in (1, 50, 51, 449):
            found = await index.by_email(f"member{number}@example.com")
            assert [m.member_id for m in found] == [number]
        monkeypatch.setattr(members, "SHARED_BY", 450)
        others = await index._db.read(lambda db: members.alike(db, found[0]))
        assert {m.member_id for m in others} == set(range(1, 449))


async def test_a_rescan_writes_only_what_has_changed(tmp_path: Path) -> None:
    source = Source(*many()[:500])
    async with opened(tmp_path / "gateway.db", source, Clock()) as index:
        await index.start_scan()
        before = await table(index)
        source.put(many()[7] | {"mailAddress": "new@example.com"})
        del source.rows[9]
        written = await index._db.read(lambda db: db.total_changes)
        await index.start_scan(again=True)
        after = await table(index)
        changes = await index._db.read(lambda db: db.total_changes) - written
    assert changes < 20
    assert [row for row in before if row not in after] == [before[7], before[8]]
    assert len(after) == len(before) - 1


async def test_what_changes_behind_the_scan_is_found_by_the_next_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in a page that was read already, before a newer stamp in a later page."""
    monkeypatch.setattr(scan, "FULL_PAGE", 10)
    clock = Clock()
    source = Source(*(member(n, NOW - 3600) for n in range(1, 16)), page=10)
    real = source.member_page

    async def time_passes(from_id: int, since: str | None) -> Any:
        rows = await real(from_id, since)
        if since is None and from_id == 1:
            source.put(member(1, NOW + 5, mailAddress="changed@example.com"))
            source.put(member(15, NOW + 15))
            clock.now = NOW + 20
        return rows

    monkeypatch.setattr(source, "member_page", time_passes)
    async with opened(tmp_path / "gateway.db", source, clock) as index:
        await index.start_scan()
        await index.fresh()
        (found,) = await index.by_email("changed@example.com")
        assert found.member_id == 1
        assert source.asked[-1][1] is not None
        assert source.asked[-1][1] <= stamp(NOW + 5)


@pytest.mark.parametrize("said", [b"", len(_KEY).to_bytes(4, "big") + _KEY])
def test_the_process_says_nothing_when_it_was_left_at_its_start(said: bytes) -> None:
    """A kill of the gateway before it has said the key, and one before it has heard the answer."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        left = subprocess.run(
            [sys.executable, "-P", "-c", hashing._PROGRAM],
            input=said,
            stdout=writes,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
    finally:
        os.close(writes)
    assert left.stderr == b""
