"""What looks at many rows looks in pages: all that match, each once, however few they are."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.errors import ErrorClass
from gateway.outcomes import DeliveryFilter
from gateway.store import Database, backfill, registrations, search
from gateway.store.outbox import FIRST
from gateway.store.paging import LOOKED, PAGE, every_page
from tests.store.many import MANY, NOW, deferred_rows, deliveries
from tests.store.memory import a_connection


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


async def test_all_sign_ups_that_are_unclear_are_seen_however_many(tmp_path: Path) -> None:
    database = Database(tmp_path / "gateway.db")
    await database.open()

    def page(db: sqlite3.Connection, after: str) -> tuple[int, str | None]:
        rows = registrations.unsettled_page(db, "unclear", after)
        assert len(rows) <= PAGE
        return len(rows), rows[-1].id if rows else None

    def fill(db: sqlite3.Connection) -> None:
        deferred_rows(db)
        db.execute("UPDATE registrations SET state = 'unclear'")

    try:
        await database.write(fill)
        assert await every_page(database.read, page, "") == MANY
    finally:
        await database.close()


async def test_a_filter_that_few_match_finds_them_wherever_they_are(tmp_path: Path) -> None:
    database = Database(tmp_path / "gateway.db")
    await database.open()
    few = DeliveryFilter(error_classes=(ErrorClass.CONFLICT,))
    rare = (1, LOOKED, LOOKED + 1, 2 * LOOKED + 5, 3 * LOOKED)

    def fill(db: sqlite3.Connection) -> None:
        deliveries(db, "failed", 3 * LOOKED)
        for delivery_id in rare:
            db.execute(
                "UPDATE deliveries SET error_class = 'conflict' WHERE id = ?", (delivery_id,)
            )

    try:
        await database.write(fill)
        assert await search.count(database, few) == len(rare)
        assert await search.count(database, DeliveryFilter()) == 3 * LOOKED
        for oldest_first in (True, False):
            look = partial(search.find, database, few, oldest_first=oldest_first)
            found = [each.id for each in await look(limit=10)]
            assert found == sorted(rare, reverse=not oldest_first)
            assert [each.id for each in await look(limit=2, after=found[1])] == found[2:4]
        everybody = await search.find(database, DeliveryFilter(), limit=2 * PAGE + 7)
        ids = [each.id for each in everybody]
        assert ids == list(range(3 * LOOKED, 0, -1))[: 2 * PAGE + 7]
        named = await search.find(database, DeliveryFilter(ids=(7, 8)), limit=10)
        assert [each.id for each in named] == [8, 7]
        assert await search.find(database, DeliveryFilter(ids=(7,)), limit=10, after=7) == []
    finally:
        await database.close()


def test_what_a_run_left_is_found_in_pages_each_once(db: sqlite3.Connection) -> None:
    ours = deliveries(db, "pending", next_attempt_at=NOW - 1)
    deliveries(db, "failed", kind="update")
    deliveries(db, "pending", channel="smaregi")
    found, after = list[int](), FIRST
    while True:
        left, end = backfill.leftovers(db, "crm", after, 50, NOW)
        assert len(left) <= 50
        found += [each.id for each in left]
        if end is None:
            break
        after = end
    assert found == ours
