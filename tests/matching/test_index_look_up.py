"""Who is found in the member index, by what, and how."""

import dataclasses
from functools import partial
from typing import Any

import pytest

from gateway.customer import Address, Profile
from gateway.errors import NotReadyError
from gateway.matching import MemberIndex
from gateway.store import Keys, members
from tests.matching.index_world import NOW, Store
from tests.matching.rows import member


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


async def test_that_a_member_is_like_nobody_is_known_without_the_table(store: Store) -> None:
    values = [b""] * sum(map(len, members.ALIKE))
    plan = await store.db.read(
        lambda db: db.execute(f"EXPLAIN QUERY PLAN {members._alike_sql('0,1')}", values).fetchall()
    )
    searches = [row["detail"] for row in plan if row["detail"].startswith("SEARCH")]
    assert [search.split()[5] for search in searches] == [
        "members_email",
        "members_mobile",
        "members_kana",
        "members_kana",
        "members_place",
    ]
    assert all("COVERING INDEX" in search for search in searches)


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
