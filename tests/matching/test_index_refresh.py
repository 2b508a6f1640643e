"""The member index is brought up to date: nobody is missed, nothing older stays."""

import asyncio
import dataclasses
from typing import Any

import pytest

from gateway.matching import MemberIndex, index, written
from gateway.store import members
from gateway.wire import Lane, lane
from tests.matching.index_world import DAY, NOW, Store, ids
from tests.matching.rows import Source, member


async def test_a_member_created_at_the_till_seconds_before_is_found(store: Store) -> None:
    found = await store.ready()
    store.source.put(member(5, NOW))
    await found.fresh()
    assert await ids(found, "member5@example.com") == [5]


async def test_a_changed_e_mail_is_found_under_the_new_one_only(store: Store) -> None:
    store.source.put(member(1, NOW - DAY))
    found = await store.ready()
    store.source.put(member(1, NOW, mailAddress="new@example.com"))
    await found.fresh()
    assert await ids(found, "member1@example.com") == []
    assert await ids(found, "new@example.com") == [1]


@pytest.mark.parametrize("skew", [-3 * 3600.0, 0.0, 3 * 3600.0])
async def test_smaregis_own_stamps_count_whatever_our_clock_says(store: Store, skew: float) -> None:
    store.source.put(member(1, NOW + skew - 60))
    found = await store.ready()
    store.source.put(member(2, NOW + skew - 59))
    await found.fresh()
    store.source.put(member(3, NOW + skew - 59))  # the same second, seen later
    await found.fresh()
    assert [await ids(found, f"member{n}@example.com") for n in (2, 3)] == [[2], [3]]


async def test_two_changes_in_one_second_are_both_seen(store: Store) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    for address in ("first@example.com", "second@example.com"):
        store.source.put(member(1, NOW, mailAddress=address))
        await found.fresh()
        assert await ids(found, address) == [1]


async def test_a_change_that_becomes_visible_after_a_later_one_is_seen(store: Store) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    store.source.put(member(2, NOW - index.OVERLAP))
    await found.fresh()
    assert await ids(found, "member2@example.com") == [2]


async def test_those_who_wait_share_a_refresh(store: Store) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    asked = len(store.source.asked)
    await asyncio.gather(*(found.fresh() for _ in range(20)))
    assert len(store.source.asked) - asked <= 2


async def test_a_refresh_that_began_before_somebody_asked_is_not_theirs(store: Store) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    store.source.held = asyncio.Event()
    early = asyncio.create_task(found.fresh())
    while store.source.scans + 1 > len(store.source.asked):
        await asyncio.sleep(0)
    store.source.put(member(2, NOW))  # after the running refresh has read its page
    late = asyncio.create_task(found.fresh())
    await asyncio.sleep(0)
    store.source.held.set()
    await asyncio.gather(early, late)
    assert await ids(found, "member2@example.com") == [2]


async def test_a_refresh_that_fails_does_not_stop_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    working = store.source
    found._source = broken = Source()

    async def refuse(*_: Any) -> Any:
        raise LookupError("not now")

    monkeypatch.setattr(broken, "member_page", refuse)
    for _ in range(2):
        with pytest.raises(LookupError):
            await found.fresh()
    found._source = working
    store.source.put(member(2, NOW))
    await found.fresh()
    assert await ids(found, "member2@example.com") == [2]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_refresh_that_breaks_between_two_pages_leaves_nobody_out(
    store: Store, small_pages: int, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    """The first page has the newest change: the others are still asked for from before it."""
    store.source.page = small_pages
    store.source.put(member(99, NOW - DAY))
    found = await store.ready()
    store.source.put(*(member(n, NOW) for n in range(1, 11)))
    store.source.put(*(member(n, NOW - 3600, mailAddress="new@example.com") for n in (50, 99)))
    answering = store.source.member_page

    async def breaks(from_id: int, updated_from: str | None) -> Any:
        if from_id > 1:
            raise LookupError("not now")
        return await answering(from_id, updated_from)

    with monkeypatch.context() as patch:
        patch.setattr(store.source, "member_page", breaks)
        with pytest.raises(LookupError):
            await found.fresh()
    if restarted:
        found = await store.index()
    await found.fresh()
    assert await ids(found, "new@example.com") == [50, 99]


async def test_what_changes_behind_a_refresh_of_several_pages_is_read_by_the_next(
    store: Store, small_pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute passes between its pages, longer than the overlap."""
    store.source.page = small_pages
    store.source.put(*(member(n, NOW - DAY) for n in range(1, 12)))
    found = await store.ready()
    store.source.put(*(member(n, NOW) for n in range(1, 11)))
    answering = store.source.member_page

    async def slow(from_id: int, updated_from: str | None) -> Any:
        if from_id > 1:
            store.clock.now += 60
            store.source.put(member(1, NOW + 30, mailAddress="new@example.com"))
            store.source.put(member(11, NOW + 60))
        return await answering(from_id, updated_from)

    with monkeypatch.context() as patch:
        patch.setattr(store.source, "member_page", slow)
        await found.fresh()
    await found.fresh()
    assert await ids(found, "new@example.com") == [1]


async def held_up(store: Store, found: MemberIndex) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A refresh of the backlog's that has asked; its answer comes once the event is set."""
    asked = len(store.source.asked)
    store.source.held = held = asyncio.Event()
    token = lane.set(Lane.BACKLOG)
    early = asyncio.create_task(found.fresh())
    lane.reset(token)
    while len(store.source.asked) == asked:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.source.held = None
    return early, held


@pytest.mark.parametrize("apart", [60.0, 0.0], ids=["a minute apart", "in one second"])
async def test_of_two_lanes_that_refresh_at_once_the_older_row_does_not_stay(
    store: Store, apart: float
) -> None:
    """Held up is the answer to the one that began first; it comes when the other is done."""
    store.source.put(member(1, NOW - DAY))
    found = await store.ready()
    store.source.put(member(1, NOW, mailAddress="older@example.com"))
    first, held = await held_up(store, found)
    store.source.put(member(1, NOW + apart, mailAddress="newer@example.com"))
    await found.fresh()
    held.set()
    await first
    assert await ids(found, "newer@example.com") == [1]
    assert await ids(found, "older@example.com") == []


async def test_a_row_that_later_lists_still_show_is_not_undone_by_an_earlier_one(
    store: Store,
) -> None:
    """The later list begins as the one before, with a row that was another in between."""
    first, between = (member(1, NOW, mailAddress=f"{name}@example.com") for name in ("a", "b"))
    store.source.put(first)
    found = await store.ready()
    await found.fresh()
    store.source.put(between)
    early, held = await held_up(store, found)
    store.source.put(first, member(2, NOW))
    await found.fresh()
    held.set()
    await early
    assert [await ids(found, f"{name}@example.com") for name in ("a", "b")] == [[1], []]
    assert await ids(found, "member2@example.com") == [2]


async def test_what_was_no_news_from_an_earlier_list_is_news_from_a_later_one(store: Store) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    await found.fresh()
    changed = member(1, NOW, mailAddress="new@example.com")
    store.source.put(changed)
    early, held = await held_up(store, found)
    store.source.put(member(1, NOW))
    await found.fresh()
    store.source.put(changed)
    held.set()
    await early
    await found.fresh()
    assert await ids(found, "new@example.com") == [1]


async def test_a_change_among_rows_that_came_before_is_seen(store: Store) -> None:
    """Lists of one second: each begins as the last one, but for the row that changed."""
    store.source.put(*(member(n, NOW) for n in (1, 2, 3)))
    found = await store.ready()
    for n in range(4, 9):
        store.source.put(member(n, NOW), member(n - 2, NOW, mailAddress=f"new{n}@example.com"))
        await found.fresh()
        await found.fresh()
        assert await ids(found, f"member{n}@example.com") == [n]
        assert await ids(found, f"new{n}@example.com") == [n - 2]


async def test_what_could_not_be_written_is_news_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.source.put(member(1, NOW))
    found = await store.ready()
    await found.fresh()
    store.source.put(member(2, NOW))

    async def refuse(*_: Any) -> Any:
        raise LookupError("a full disk")

    with monkeypatch.context() as patch:
        patch.setattr(store.db, "write", refuse)
        with pytest.raises(LookupError):
            await found.fresh()
    await found.fresh()
    assert await ids(found, "member2@example.com") == [2]


async def test_rows_that_come_again_are_written_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are remembered, and whether or not a list begins as the last one."""
    monkeypatch.setattr(written, "_REMEMBERED", 5)
    store.source.put(member(1, NOW))
    found = await store.ready()
    wrote: list[int] = []
    upsert = members.upsert

    def noted(db: Any, rows: Any) -> None:
        wrote.extend(row[0] for row in rows)
        upsert(db, rows)

    monkeypatch.setattr(members, "upsert", noted)
    for n in range(2, 12):
        store.source.put(member(n, NOW))
        await found.fresh()
        await found.fresh()
    del store.source.rows[1]
    await found.fresh()
    assert wrote == list(range(1, 12))


@pytest.mark.parametrize(("time", "status"), [(NOW - 1, 0), (NOW, 2), (0, 2)])
async def test_a_row_of_an_earlier_time_is_not_written_and_one_without_a_time_is(
    store: Store, time: float, status: int
) -> None:
    """Whoever writes it, also after a restart."""
    store.source.put(member(1, NOW))
    found = await store.ready()
    (row,) = await found.by_email("member1@example.com")
    other = dataclasses.replace(row, status=2, updated_at=int(time))
    values = dataclasses.astuple(other)[:-1]
    await store.db.write(lambda db: members.upsert(db, [values]))
    assert (await found.by_email("member1@example.com"))[0].status == status
