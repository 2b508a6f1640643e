"""Members by e-mail: who is not there is known without the database, and nobody is missed."""

import sqlite3
from collections.abc import Callable

import pytest

from gateway.errors import StorageError
from gateway.matching import MemberIndex
from gateway.matching import emails as rooms
from gateway.store import members
from gateway.store.members import Member
from tests.matching.index_world import NOW, Store, ids
from tests.matching.rows import member

Asked = list[bytes]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The keys that the database was asked for."""
    keys, by_email = Asked(), members.by_email

    def noting(db: sqlite3.Connection, key: bytes) -> list[Member]:
        keys.append(key)
        return by_email(db, key)

    monkeypatch.setattr(members, "by_email", noting)
    return keys


async def learned(index: MemberIndex) -> MemberIndex:
    """Once it knows what the database has."""
    for task in index._emails.tasks():
        await task
    return index


async def test_the_database_is_not_asked_for_an_email_that_nobody_has(
    store: Store, asked: Asked
) -> None:
    store.source.put(member(1, NOW))
    index = await learned(await store.ready())
    assert await ids(index, "nobody@example.com") == []
    assert asked == []
    assert await ids(index, "member1@example.com") == [1]
    assert len(asked) == 1


async def test_whoever_came_or_changed_since_is_found(store: Store) -> None:
    index = await learned(await store.ready())
    store.source.put(member(1, NOW + 1))
    await index.fresh()
    assert await ids(index, "member1@example.com") == [1]
    store.source.put(member(1, NOW + 2, mailAddress="new@example.com"))
    await index.fresh()
    assert await ids(index, "new@example.com") == [1]
    store.source.put(member(2, NOW))
    await index.start_scan(again=True)
    assert await ids(index, "member2@example.com") == [2]


async def test_after_a_restart_every_member_is_found(
    store: Store, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several parts, and several pages of each; some without an e-mail, some with the same."""
    monkeypatch.setattr(members, "PART", 5)
    monkeypatch.setattr(members, "LOOKED", 2)
    store.source.put(*(member(one, NOW) for one in range(1, 14)))
    store.source.put(*(member(one, NOW, mailAddress="") for one in (20, 21)))
    store.source.put(*(member(one, NOW, mailAddress="a@example.com") for one in (30, 31, 32)))
    await store.ready()
    index = await learned(await store.index())
    for one in range(1, 14):
        assert await ids(index, f"member{one}@example.com") == [one]
    assert await ids(index, "a@example.com") == [30, 31, 32]
    asked.clear()
    assert await ids(index, "nobody@example.com") == []
    assert asked == []


async def test_until_it_is_known_who_is_there_the_database_is_asked(
    store: Store, asked: Asked
) -> None:
    store.source.put(member(1, NOW))
    await store.ready()
    index = await store.index()
    assert await ids(index, "member1@example.com") == [1]
    assert len(asked) == 1


@pytest.mark.parametrize("unit", ["parts", "emails"])
async def test_a_database_that_does_not_say_who_is_there_is_asked_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StorageError("the disk cannot be read", "look at it")

    store.source.put(member(1, NOW))
    await store.ready()
    monkeypatch.setattr(members, unit, fails)
    index = await learned(await store.index())
    monkeypatch.undo()
    assert await ids(index, "member1@example.com") == [1]
    assert index.ready


def test_an_email_sets_one_bit_whatever_its_key() -> None:
    place: Callable[[bytes], int] = rooms._place
    assert place(b"\0" * 8) == 0
    assert place(b"\xff" * 8) == rooms._BITS - 1
