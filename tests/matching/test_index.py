"""The first scan of the member index, and what an older build left."""

import asyncio
import hashlib

import pytest

from gateway.errors import NotReadyError
from gateway.matching import index, scan
from gateway.matching.match_keys import KEYS, MemberHasher
from tests.matching.index_world import DAY, NOW, Store, ids
from tests.matching.rows import Source, member


async def test_one_scan_finds_everybody_by_normalised_e_mail(store: Store) -> None:
    store.source.put(
        member(1, NOW - DAY, mailAddress="Taro@Example.com "), member(2, NOW, mailAddress=None)
    )
    found = await store.ready()
    assert await ids(found, "taro@example.com") == [1]
    assert await ids(found, "") == []
    assert await found.size() == 2


async def test_ids_may_come_as_numbers(store: Store) -> None:
    store.source.put(member(7, NOW, customerId=7, status=2))
    found = await store.ready()
    (row,) = await found.by_email("member7@example.com")
    assert (row.member_id, row.status) == (7, 2)


ALWAYS = ("customerId", "customerCode", "status", "updDateTime")


@pytest.mark.parametrize("left_out", [True, False], ids=["left out", "null"])
async def test_a_column_may_be_missing_from_an_answer(store: Store, left_out: bool) -> None:
    """A refresh sees what comes later, too: one e-mail may move to another column's place."""
    bare = {name: text for name, text in member(1, NOW).items() if name in ALWAYS}
    store.source.put(bare if left_out else dict.fromkeys(member(1, NOW)) | bare)
    found = await store.ready()
    assert await found.size() == 1
    store.source.put(bare | {"phoneNumber": "taro@example.com"})
    await found.fresh()
    store.source.put(bare | {"mailAddress": "taro@example.com"})
    await found.fresh()
    assert await ids(found, "taro@example.com") == [1]


async def test_a_complete_index_needs_no_scan_at_the_next_start(store: Store) -> None:
    store.source.put(member(1, NOW - DAY))
    await store.ready()
    again = await store.index()
    assert again.ready
    await again.fresh()
    assert store.source.scans == 1


async def test_an_index_of_an_older_build_serves_while_it_is_built_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keys were made by other rules: the e-mail's are good, the place's match nobody."""
    store.source.put(member(1, NOW - DAY))
    monkeypatch.setattr(index, "KEYS", "an older build's")
    assert not (await store.ready()).outdated
    monkeypatch.undo()
    upgraded = await store.index()
    assert upgraded.ready
    assert upgraded.outdated
    assert await ids(upgraded, "member1@example.com") == [1]
    await upgraded.start_scan()
    assert not upgraded.outdated
    assert not (await store.index()).outdated
    assert store.source.scans == 2


async def test_a_scan_that_an_older_build_began_begins_again(
    store: Store, small_pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.source = Source(*(member(n, NOW - DAY) for n in range(1, 36)), page=small_pages)
    monkeypatch.setattr(index, "KEYS", "an older build's")
    first = await store.index()
    first.start_scan()
    while first.progress.pages < 2:
        await asyncio.sleep(0)
    await first.close()
    monkeypatch.undo()
    monkeypatch.setattr(scan, "FULL_PAGE", small_pages)
    asked = len(store.source.asked)
    await (await store.index()).start_scan()
    assert store.source.asked[asked][0] == 1


SAMPLE = (
    {"mailAddress": "Taro.Yamada+a@Docomo.ne.jp"},
    {"lastName": "\ufa11田", "firstName": "螢"},
    {"lastKana": "ｵｵﾉ", "firstKana": "ショウコ"},
    {"birthDate": "H2.4.1", "mobileNumber": "+81 90 2345 6701"},
    {"address": "東京都杉並区阿佐ヶ谷南1丁目甲2番地イ", "postCode": "166-0004"},
    {"address": "富山県富山市五福9区4323", "postCode": "", "phoneNumber": "09023456702"},
    {"address": "札幌市中央区北3西6 1-2", "postCode": "0600003"},
    {"address": "京都市上京区河原町通今出川下る2丁目栄町359", "postCode": ""},
    {"address": "新宿西新宿3 7 1", "postCode": "〒160－0023"},
)


def test_whoever_changes_what_keys_are_made_of_raises_their_version() -> None:
    """Otherwise a shop's index holds keys of two kinds, of which one matches nobody."""
    hasher = MemberHasher(b"k" * 32)
    rows = [hasher.values(member(n, NOW, **fields)) for n, fields in enumerate(SAMPLE)]
    keys = b"".join(each for row in rows for each in row if isinstance(each, bytes))
    assert (KEYS, hashlib.blake2b(keys, digest_size=8).hexdigest()) == ("2", "5d97800bdcaaf7a1")


async def test_an_interrupted_scan_goes_on_where_it_was(store: Store, small_pages: int) -> None:
    store.source = Source(*(member(n, NOW - DAY) for n in range(1, 36)), page=small_pages)
    first = await store.index()
    running = first.start_scan()
    while first.progress.pages < 2:
        await asyncio.sleep(0)
    await first.close()
    assert running.cancelled()
    asked = len(store.source.asked)
    again = await store.index()
    assert not again.ready
    await again.start_scan()
    assert store.source.asked[asked][0] > small_pages
    assert await again.size() == 35


async def test_while_the_first_scan_runs_an_attempt_waits_and_then_is_not_ready(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WAIT_FOR_SCAN", 0.05)
    store.source.held = asyncio.Event()
    found = await store.index()
    with pytest.raises(NotReadyError):
        await found.fresh()
    store.source.held.set()
    monkeypatch.setattr(index, "WAIT_FOR_SCAN", 5.0)
    await found.fresh()
    assert found.ready
