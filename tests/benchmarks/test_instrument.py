import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.store import database
from gateway.store.database import Database
from gateway.store.engine import Batched
from tests.benchmarks.instrument.clock import BASE, Clock, wrapped
from tests.benchmarks.instrument.units import COMMIT, Units


def work(rounds: int) -> int:
    return sum(n * n for n in range(rounds))


async def test_the_parts_of_a_thread_add_up_to_what_it_took() -> None:
    clock = Clock()
    inner = wrapped(clock, "inner", work)

    async def coroutine() -> None:
        work(2000)
        await asyncio.sleep(0)
        inner(2000)

    outer = wrapped(clock, "outer", coroutine)
    clock.reset()
    began = clock._since
    await asyncio.gather(outer(), asyncio.create_task(outer()))
    clock.switch(BASE)
    assert clock.entered == {"outer": 2, "inner": 2}
    assert set(clock.spent) == {BASE, "outer", "inner"}
    assert sum(clock.spent.values()) == clock._since - began
    assert clock.current == BASE


async def test_a_part_does_not_count_while_its_coroutine_waits() -> None:
    clock, go = Clock(), asyncio.Event()
    waiting = asyncio.create_task(wrapped(clock, "waits", go.wait)())
    await asyncio.sleep(0)
    clock.switch(BASE)
    before = clock.spent["waits"]
    work(20_000)
    clock.switch(BASE)
    assert clock.spent["waits"] == before
    go.set()
    assert await waiting is True


def test_another_threads_work_is_no_part_of_this_one() -> None:
    clock = Clock()
    thread = threading.Thread(target=wrapped(clock, "elsewhere", work), args=(2000,))
    thread.start()
    thread.join()
    assert clock.entered == {}


async def test_an_error_leaves_the_part_and_goes_on_to_the_caller() -> None:
    clock = Clock()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError

    outcome = (await asyncio.gather(wrapped(clock, "fails", fails)(), return_exceptions=True))[0]
    assert isinstance(outcome, ValueError)
    assert clock.current == BASE


async def test_units_are_timed_by_name_however_they_are_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("write", "read"):
        monkeypatch.setattr(Database, name, getattr(Database, name))
    monkeypatch.setattr(database, "_transaction", database._transaction)
    units = Units()
    units.watch()
    db = Database(tmp_path / "gateway.db")
    await db.open()
    try:
        assert await db.write(lambda db: db.execute("SELECT 1").fetchone()[0]) == 1
        assert await db.write(lambda db: db.execute("SELECT 2").fetchone()[0], [b"somebody"]) == 2
        assert await db.read(lambda db: db.execute("SELECT 3").fetchone()[0]) == 3
        together = (db.write(Batched(_number_of, each)) for each in (4, 5))
        assert await asyncio.gather(*together) == [2, 2]
    finally:
        await db.close()
    assert units.ran["execute.fetchone"] == 2
    assert units.ran["execute.fetchone (read)"] == 1
    assert units.ran[COMMIT] >= 1
    assert units.ran["test_instrument._number_of"] == 1


def _number_of(_: object, parts: Sequence[int]) -> list[int]:
    return [len(parts)] * len(parts)
