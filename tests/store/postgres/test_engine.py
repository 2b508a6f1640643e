"""Transactions, keys, and what is known after a failure. The database is a real one."""

import asyncio
import sqlite3
import threading
from typing import Any

import psycopg
import pytest

from gateway.background import request_id
from gateway.errors import StorageError
from gateway.store import events, members, outbox, tally
from gateway.store.events import NewEvent
from gateway.store.postgres import Postgres
from tests.store.postgres.sign_ups import opened
from tests.store.postgres.steps import note, noted


def executing(statement: str) -> Any:
    return lambda db: db.execute(statement)


async def test_a_unit_that_raises_undoes_only_itself(postgres: Postgres) -> None:
    def failing(db: Any) -> None:
        members.set_meta(db, "half", "x")
        raise LookupError("not this one")

    results = await asyncio.gather(
        postgres.write(note("before")), postgres.write(failing), postgres.write(note("after")),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    found = [await postgres.read(noted(key)) for key in ("before", "half", "after")]
    assert found == ["x", None, "x"]


async def test_units_of_one_key_run_in_the_order_in_which_they_came(postgres: Postgres) -> None:
    def add(text: str) -> Any:
        def unit(db: Any) -> None:
            known = members.get_meta(db, "order") or ""
            db.execute("SELECT pg_sleep(0.002)")
            members.set_meta(db, "order", known + text)

        return unit

    await asyncio.gather(*(postgres.write(add(letter), (7, ord(letter))) for letter in "abcdef"))
    assert await postgres.read(noted("order")) == "abcdef"


async def test_units_of_different_people_run_at_the_same_time(postgres: Postgres) -> None:
    together = threading.Barrier(3, timeout=20)
    await asyncio.gather(*(postgres.write(lambda _: together.wait(), (n,)) for n in range(3)))


async def test_a_unit_without_keys_runs_alone(postgres: Postgres) -> None:
    running: list[int] = []
    most: list[int] = []

    def alone(_: Any) -> None:
        running.append(1)
        most.append(len(running))
        running.pop()

    work = [
        postgres.write(alone if n % 2 else note(f"{n}"), None if n % 2 else (n,)) for n in range(20)
    ]
    await asyncio.gather(*work)
    assert most == [1] * 10


async def test_gateways_wait_for_one_anothers_keys(url: str, postgres: Postgres) -> None:
    """As an old and a new one do during a hand-over: the locks are the database's."""
    other = Postgres(url, lanes=1)
    await other.open()
    try:

        def raised(db: Any) -> None:
            number = int(members.get_meta(db, "n") or 0)
            db.execute("SELECT pg_sleep(0.002)")
            members.set_meta(db, "n", str(number + 1))

        await asyncio.gather(*(engine.write(raised, (1,)) for engine in (postgres, other) * 5))
        assert await postgres.read(noted("n")) == "10"
    finally:
        await other.close()


async def test_a_unit_that_met_another_one_is_run_again(postgres: Postgres) -> None:
    tries: list[None] = []

    def twice(db: Any) -> None:
        tries.append(None)
        if len(tries) == 1:
            db.execute("INSERT INTO meta VALUES ('same', '1'), ('same', '2')")
        members.set_meta(db, "same", "3")

    await postgres.write(twice)
    assert (len(tries), await postgres.read(noted("same"))) == (2, "3")


async def test_an_error_tells_no_value(postgres: Postgres) -> None:
    new = "INSERT INTO meta (key, value) VALUES"
    for statement in (
        f"{new} ('taro@example.com', '1'), ('taro@example.com', '2')",
        "SELECT CAST('taro@example.com' AS BIGINT)",
        "INSERT INTO removals VALUES (1, 'taro@example.com', 'noticed', 1, 1)",
    ):
        with pytest.raises(sqlite3.IntegrityError) as raised:
            await postgres.write(executing(statement))
        assert "taro" not in str(raised.value)
        assert raised.value.__suppress_context__


async def test_reading_changes_nothing_and_sees_one_moment(postgres: Postgres) -> None:
    with pytest.raises(StorageError, match="25006"):
        await postgres.read(note("never"))
    first, changed = threading.Event(), threading.Event()

    def looks(db: Any) -> list[str | None]:
        before = members.get_meta(db, "moment")
        first.set()
        assert changed.wait(20)
        return [before, members.get_meta(db, "moment")]

    reading = asyncio.create_task(postgres.read(looks))
    assert await asyncio.to_thread(first.wait, 20)
    await postgres.write(note("moment", "later"))
    changed.set()
    assert await reading == [None, None]
    assert await postgres.read(noted("moment")) == "later"


async def test_totals_are_right_however_many_count_at_the_same_time(postgres: Postgres) -> None:
    def unit(number: int) -> Any:
        return lambda db: (
            outbox.add(db, number, None, opened(), 1.0),
            events.add(db, NewEvent(f"shopify:{number}", "shopify", "t", number), 1.0),
        )

    await asyncio.gather(*(postgres.write(unit(number), (number,)) for number in range(40)))
    found = await postgres.read(tally.read)
    assert {number for _, _, number in found.deliveries} == {40}
    assert (found.events, found.events_since) == (40, 1.0)


async def test_a_cancelled_caller_leaves_no_half_transaction(postgres: Postgres) -> None:
    started = asyncio.create_task(postgres.write(note("whole")))
    await asyncio.sleep(0)
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    await postgres.write(note("next"))
    assert await postgres.read(noted("whole")) == "x"


async def test_a_unit_sees_the_request_of_its_caller(postgres: Postgres) -> None:
    token = request_id.set("r-1")
    try:
        assert await postgres.write(lambda _: request_id.get()) == "r-1"
    finally:
        request_id.reset(token)


async def test_a_gateway_that_ends_leaves_no_lane(url: str) -> None:
    engine = Postgres(url)
    await engine.open()
    work = [asyncio.create_task(engine.write(note(f"{n}"), (n,))) for n in range(9)]
    await asyncio.sleep(0)
    await engine.close()
    assert await asyncio.gather(*work) == [None] * 9
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM lanes").fetchall() == []


async def test_the_database_says_where_it_is_and_what_it_takes(
    postgres: Postgres, url: str
) -> None:
    schema = url.partition("%3D")[2]
    assert postgres.place.endswith(f"/postgres, schema {schema}")
    before = await postgres.size()
    assert before > 100_000, "empty tables and their indexes take pages"
    await postgres.write(note("large", "x" * 200_000))
    assert await postgres.size() > before
    assert await postgres.free() is None
