"""A sign-up asks what changed when it begins; whoever was there by then is found."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.matching import MemberIndex, refreshes
from tests.matching.index_world import NOW, Store, ids
from tests.matching.rows import Source, member


@pytest.fixture
async def found(store: Store) -> MemberIndex:
    store.source.put(member(1, NOW))
    return await store.ready()


def asked(source: Source) -> int:
    """Times that it was asked what changed."""
    return len(source.asked) - source.scans


async def elsewhere(work: Coroutine[Any, Any, None]) -> None:
    """In the context of another sign-up."""
    await asyncio.create_task(work)


async def test_what_was_read_since_a_sign_up_began_is_not_read_for_it_again(
    store: Store, found: MemberIndex
) -> None:
    store.source.put(member(2, NOW))
    found.foresee()
    await asyncio.gather(*found._refreshes.tasks())
    await asyncio.create_task(found.fresh())  # as the attempt does, in a task of its own
    assert asked(store.source) == 1
    assert await ids(found, "member2@example.com") == [2]


async def test_a_refresh_that_began_before_a_sign_up_is_not_its_own(
    store: Store, found: MemberIndex
) -> None:
    store.source.held = held = asyncio.Event()
    early = asyncio.create_task(found.fresh())
    while asked(store.source) == 0:
        await asyncio.sleep(0)
    store.source.put(member(2, NOW))  # after the running refresh has read its page
    found.foresee()
    held.set()
    await asyncio.gather(early, found.fresh())
    assert asked(store.source) == 2
    assert await ids(found, "member2@example.com") == [2]


async def test_what_one_sign_up_foresaw_is_not_anothers(store: Store, found: MemberIndex) -> None:
    async def foresees() -> None:
        found.foresee()
        await found.fresh()

    await elsewhere(foresees())
    store.source.put(member(2, NOW))
    await found.fresh()
    assert await ids(found, "member2@example.com") == [2]


async def test_a_refresh_that_failed_fails_who_foresaw_it_and_nobody_later(
    store: Store, found: MemberIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Smaregi may have asked for a pause: it is not asked again for the same sign-up."""

    async def refuse(*_: object) -> None:
        raise LookupError("not now")

    async def foresees() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store.source, "member_page", refuse)
            found.foresee()
            await asyncio.wait(found._refreshes.tasks())
        with pytest.raises(LookupError):
            await found.fresh()

    await elsewhere(foresees())
    assert asked(store.source) == 0
    await found.fresh()
    assert asked(store.source) == 1


async def test_who_waits_long_for_shopify_asks_again(
    store: Store, found: MemberIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshes, "FORESEEN_FOR", -1.0)
    found.foresee()
    await asyncio.wait(found._refreshes.tasks())
    store.source.put(member(2, NOW))
    await found.fresh()
    assert await ids(found, "member2@example.com") == [2]


async def test_however_many_begin_refreshes_keep_their_distance(
    store: Store, found: MemberIndex
) -> None:
    store.source.apart = 3600.0
    await found.fresh()
    for _ in range(20):
        found.foresee()
        await asyncio.sleep(0)
    assert asked(store.source) == 1


async def test_a_scan_is_not_begun_for_a_sign_up_that_may_be_refused(store: Store) -> None:
    found = await store.index()
    found.foresee()
    await asyncio.sleep(0)
    assert store.source.asked == []
