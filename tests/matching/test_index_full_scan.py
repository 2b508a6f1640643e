"""All members are scanned again: who is gone is forgotten, and nobody else."""

import asyncio
from typing import Any

import pytest

from tests.matching.index_world import DAY, NOW, Store, ids
from tests.matching.rows import member


@pytest.mark.parametrize(("days", "scans"), [(29, 0), (32, 1), (-32, 1)])
async def test_after_a_long_gap_everything_is_scanned_again(
    store: Store, days: float, scans: int
) -> None:
    store.source.put(member(1, NOW - DAY))
    await store.ready()
    before = store.source.scans
    store.clock.now += days * DAY
    store.source.put(member(2, NOW + days * DAY))
    again = await store.index()
    await again.fresh()
    assert store.source.scans - before == scans
    assert await ids(again, "member2@example.com") == [2]


async def test_a_member_deleted_in_smaregi_is_forgotten_by_a_full_scan(store: Store) -> None:
    store.source.put(member(1, NOW - DAY), member(2, NOW - DAY))
    found = await store.ready()
    del store.source.rows[1]
    await found.start_scan(again=True)
    assert await ids(found, "member1@example.com") == []
    assert await ids(found, "member2@example.com") == [2]


async def test_a_page_of_a_scan_does_not_undo_what_a_refresh_wrote_meanwhile(
    store: Store, small_pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same second, so that the time stamps do not tell which is newer."""
    store.source.put(member(1, NOW))
    found = await store.ready()
    read, refreshed = asyncio.Event(), asyncio.Event()
    real = found._write_page

    async def after_the_refresh(*arguments: Any) -> None:
        read.set()
        await refreshed.wait()
        await real(*arguments)

    monkeypatch.setattr(found, "_write_page", after_the_refresh)
    running = found.start_scan(again=True)
    await read.wait()
    store.source.put(member(1, NOW, mailAddress="changed@example.com"))
    await found.fresh()
    refreshed.set()
    await running
    await found.fresh()
    assert await ids(found, "changed@example.com") == [1]


@pytest.mark.parametrize("changed", [1, 50])
async def test_what_changes_during_a_full_scan_is_not_forgotten_by_it(
    store: Store, changed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh that runs beside `members refresh`, after the page was read."""
    store.source.put(*(member(n, NOW - DAY) for n in range(1, 5)))
    found = await store.ready()
    read, refreshed = asyncio.Event(), asyncio.Event()
    real = found._complete_pass

    async def after_the_refresh(*arguments: Any) -> None:
        read.set()
        await refreshed.wait()
        await real(*arguments)

    monkeypatch.setattr(found, "_complete_pass", after_the_refresh)
    running = found.start_scan(again=True)
    await read.wait()
    store.source.put(member(changed, NOW, mailAddress="changed@example.com"))
    await found.fresh()
    refreshed.set()
    await running
    assert await ids(found, "changed@example.com") == [changed]
