"""The index of members: one scan, then what changed, right before each decision."""

import asyncio
import dataclasses
import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.customer import Address, Profile
from gateway.errors import NotReadyError
from gateway.matching import MemberIndex, index, scan
from gateway.matching.match_keys import KEYS, MemberHasher
from gateway.store import Database, Keys, members
from gateway.wire import Lane, lane
from tests.matching.rows import Source, member

NOW = 1_790_000_000.0
DAY = 86400.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Store:
    """A database, a clock and a source; `index()` is the gateway as it starts."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path)
        self.clock = Clock()
        self.source = Source()
        self._open: list[MemberIndex] = []

    async def index(self) -> MemberIndex:
        made = MemberIndex(self.db, Keys("a secret of the tests"), self.source, self.clock)
        await made.open()
        self._open.append(made)
        return made

    async def ready(self) -> MemberIndex:
        made = await self.index()
        await made.start_scan()
        return made

    async def close(self) -> None:
        for made in self._open:
            await made.close()
        await self.db.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(tmp_path / "gateway.db")
    await made.db.open()
    try:
        yield made
    finally:
        await made.close()


async def ids(found: MemberIndex, email: str) -> list[int]:
    return [m.member_id for m in await found.by_email(email)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(scan, "FULL_PAGE", 10)
    return 10


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


@pytest.mark.parametrize("apart", [60.0, 0.0], ids=["a minute apart", "in one second"])
async def test_of_two_lanes_that_refresh_at_once_the_older_row_does_not_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch, apart: float
) -> None:
    """Held up is the answer to the one that began first; it comes when the other is done."""
    store.source.put(member(1, NOW - DAY))
    found = await store.ready()
    store.source.put(member(1, NOW, mailAddress="older@example.com"))
    store.source.held = held = asyncio.Event()
    token = lane.set(Lane.BACKLOG)
    first = asyncio.create_task(found.fresh())
    lane.reset(token)
    while len(store.source.asked) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.source.held = None
    store.source.put(member(1, NOW + apart, mailAddress="newer@example.com"))
    await found.fresh()
    held.set()
    await first
    assert await ids(found, "newer@example.com") == [1]
    assert await ids(found, "older@example.com") == []


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


async def test_nothing_in_the_database_file_is_readable(store: Store) -> None:
    store.source.put(
        member(
            1, NOW, mailAddress="hanako.sato@example.jp", lastName="佐藤", birthDate="1985-12-24"
        )
    )
    await store.ready()
    await store.db.checkpoint()
    everything = b"".join(p.read_bytes() for p in store.db.path.parent.iterdir())
    for text in ("hanako", "HANAKO", "佐藤", "ヤマダ", "1985-12-24", "19851224"):
        assert text.encode() not in everything, text


async def test_evidence_agrees_with_the_index_however_it_is_written(store: Store) -> None:
    store.source.put(member(1, NOW, lastKana="ﾔﾏﾀﾞ", firstKana="ﾀﾛｳ", birthDate="1990-4-1"))
    found = await store.ready()
    (row,) = await found.by_email("member1@example.com")
    evidence = found.evidence(
        Profile("x@example.com", "山田", "太郎", "ヤマダ", "タロウ", birth_date="1990-04-01")
    )
    assert row.kana_key == evidence.kana_key
    assert row.birth_key == evidence.birth_key


async def test_phone_and_address_of_both_sides_have_the_same_keys(store: Store) -> None:
    store.source.put(
        member(1, NOW, mobileNumber=None, phoneNumber="０９０２３４５６７０１"),
        member(2, NOW, address="渋谷区道玄坂一丁目２番３号　ＡＢＣビル", postCode="1500043"),
    )
    found = await store.ready()
    address = Address("JP", "150-0043", "JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル")
    profile = Profile("x@example.com", "山田", "太郎", phone="+819023456701", address=address)
    evidence = found.evidence(profile)
    for number in (1, 2):
        (row,) = await found.by_email(f"member{number}@example.com")
        assert row.mobile_key == evidence.mobile_key
        assert row.postal_key == evidence.postal_key
        assert row.place_key == evidence.place_key
        assert None not in (row.mobile_key, row.postal_key, row.place_key)


async def test_placeholders_of_other_programs_are_no_evidence(store: Store) -> None:
    store.source.put(
        member(
            1,
            NOW,
            lastKana="-",
            firstKana="-",
            lastName="未入力",
            mobileNumber="090-0000-0000",
            phoneNumber="03-1234-5678",
            postCode="000-0000",
            address="未入力",
        )
    )
    found = await store.ready()
    (row,) = await found.by_email("member1@example.com")
    assert (row.kana_key, row.name_key) == (None, None)
    assert (row.mobile_key, row.postal_key, row.place_key) == (None, None, None)


async def test_members_are_found_by_each_kind_of_evidence(store: Store) -> None:
    nobody = {
        "mailAddress": None,
        "mobileNumber": None,
        "lastKana": None,
        "birthDate": None,
        "postCode": None,
        "address": None,
    }
    here = member(1, NOW)
    store.source.put(
        here,
        member(2, NOW, **nobody | {"phoneNumber": "09023456701"}),
        member(3, NOW, **nobody | {"lastKana": "ﾔﾏﾀﾞ", "birthDate": "1990/4/1"}),
        member(4, NOW, **nobody | {"lastKana": "やまだ", "postCode": "1500043"}),
        member(5, NOW, **nobody | {"address": "渋谷区道玄坂1丁目2番3号"}),
        member(6, NOW, **nobody | {"mailAddress": "MEMBER1@example.com"}),
        member(7, NOW, **nobody),
    )
    found = await store.ready()
    row = next(m for m in await found.by_email("member1@example.com") if m.member_id == 1)
    rows = await store.db.read(lambda db: members.alike(db, row))
    assert sorted(m.member_id for m in rows) == [2, 3, 4, 5, 6]
    for columns, expected in zip(members.ALIKE, ([6], [2], [3], [4], [5]), strict=True):
        bare: Any = {column: None for every in members.ALIKE for column in every}
        kept = bare | {column: getattr(row, column) for column in columns}
        alone = await store.db.read(partial(members.alike, one=dataclasses.replace(row, **kept)))
        assert [m.member_id for m in alone] == expected


@pytest.mark.parametrize(
    ("query", "index_used"),
    [
        ("part IN (0, 1) AND email_key = ?", "members_email"),
        ("part IN (0, 1) AND mobile_key = ?", "members_mobile"),
        ("part IN (0, 1) AND kana_key = ? AND birth_key = ?", "members_kana"),
        ("part IN (0, 1) AND kana_key = ? AND postal_key = ?", "members_kana"),
        ("part IN (0, 1) AND place_key = ? AND name_key = ?", "members_place"),
        ("number = ? AND number <> ''", "members_number"),
    ],
)
async def test_no_look_up_reads_all_members(store: Store, query: str, index_used: str) -> None:
    values = (b"",) * query.count("?")
    plan = await store.db.read(
        lambda db: db.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM members WHERE {query} ORDER BY member_id", values
        ).fetchall()
    )
    assert f"USING INDEX {index_used}" in plan[0]["detail"]


async def test_who_is_looked_up_while_the_index_is_keyed_anew_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the members would be found by neither key, and be made twice."""
    await store.ready()
    keys = Keys("the secret that comes after", "a secret of the tests")
    index = MemberIndex(store.db, keys, store.source, store.clock)
    await index.open()
    assert index.ready
    read = store.db.read

    async def keyed_anew_meanwhile(unit: Any) -> Any:
        found = await read(unit)
        monkeypatch.setattr(store.db, "read", read)
        await index.rekey(scan=False)
        return found

    monkeypatch.setattr(store.db, "read", keyed_anew_meanwhile)
    with pytest.raises(NotReadyError):
        await index.by_email("taro@example.com")
    await index.close()
