"""Reads go to the database's thread together, and each is told its own; so do writes of a kind."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import StorageError
from gateway.store import Database, database
from gateway.store.engine import Batched, Unit
from gateway.store.pulse import Pulse
from gateway.store.together import Together
from tests import virtual_time
from tests.store.test_database import note, notes


async def test_reads_of_one_moment_share_a_visit_to_the_thread(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits, run = list[None](), database._Connection.run

    async def counted(self: Any, unit: Any) -> Any:
        visits.append(None)
        return await run(self, unit)

    monkeypatch.setattr(database._Connection, "run", counted)
    await asyncio.gather(*(notes(db) for _ in range(50)))
    assert len(visits) == 1


async def test_a_read_that_fails_is_told_to_its_caller_alone(db: Database) -> None:
    def failing(connection: sqlite3.Connection) -> None:
        raise LookupError("not this one")

    def wrong(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT nothing FROM nowhere")

    results = await asyncio.gather(
        notes(db), db.read(failing), db.read(wrong), notes(db), return_exceptions=True
    )
    assert [type(result) for result in results] == [set, LookupError, StorageError, set]


async def test_what_is_batched_runs_once_where_the_first_would_and_each_is_told_its_own(
    db: Database,
) -> None:
    ran: list[Sequence[str]] = []

    def run(connection: sqlite3.Connection, parts: Sequence[str]) -> list[str]:
        ran.append([*parts])
        for part in parts:
            note(part)(connection)
        return [part.upper() for part in parts]

    def count(connection: sqlite3.Connection) -> int:
        number: int = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
        return number

    before = len(await notes(db))
    results = await asyncio.gather(
        db.write(count), db.write(Batched(run, "a")), db.write(count), db.write(Batched(run, "b"))
    )
    assert [*results] == [before, "A", before + 2, "B"]
    assert ran == [["a", "b"]]
    assert await notes(db) >= {"a", "b"}


async def test_many_of_a_kind_run_a_few_at_a_time_and_each_is_told_its_own(db: Database) -> None:
    ran: list[int] = []

    def run(_: sqlite3.Connection, parts: Sequence[int]) -> Sequence[int]:
        ran.append(len(parts))
        return parts

    assert await asyncio.gather(*(db.write(Batched(run, n)) for n in range(40))) == [*range(40)]
    assert ran == [16, 16, 8]


async def test_one_that_cannot_be_run_with_the_others_fails_alone(db: Database) -> None:
    def run(connection: sqlite3.Connection, parts: Sequence[str]) -> Sequence[str]:
        for part in parts:
            note(part)(connection)
        if "bad" in parts:
            raise sqlite3.IntegrityError("CHECK constraint failed")
        return parts

    def other(connection: sqlite3.Connection, parts: Sequence[str]) -> list[int]:
        return [len(parts) for _ in parts]

    results = await asyncio.gather(
        *(db.write(Batched(run, part)) for part in ("good", "bad", "fine")),
        db.write(Batched(other, "x")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, sqlite3.IntegrityError, str, int]
    assert (await notes(db)) & {"good", "bad", "fine"} == {"good", "fine"}


class _Runs:
    """When units ran, in milliseconds, and how many at once; a run takes three milliseconds."""

    def __init__(self, *, writes: bool) -> None:
        self.together = Together(self._run, "a test", Pulse(), writes=writes)
        self.seen: list[tuple[float, int]] = []

    async def _run(self, units: Sequence[Unit[Any]]) -> Sequence[Any]:
        self.seen.append((_milliseconds(), len(units)))
        await asyncio.sleep(0.003)
        return [None for _ in units]

    async def asked_at(self, *moments: float) -> list[tuple[float, int]]:
        async def one(moment: float) -> None:
            await asyncio.sleep(moment / 1000)
            await self.together.result_of(lambda _: None)

        await asyncio.gather(*map(one, moments))
        return self.seen


def _milliseconds() -> float:
    return round(1000 * asyncio.get_running_loop().time(), 1)


def test_who_writes_alone_waits_for_nobody() -> None:
    assert virtual_time.run(_Runs(writes=True).asked_at(0, 3, 6, 20)) == [
        (0, 1),
        (3, 1),
        (6, 1),
        (20, 1),
    ]


def test_two_that_met_by_chance_make_nobody_wait() -> None:
    ran = virtual_time.run(_Runs(writes=True).asked_at(0, 1, 2, 3.6, 20, 20.5))
    assert ran == [(0, 1), (3, 2), (6, 1), (20, 1), (23, 1)]


def test_writes_wait_a_moment_for_others_where_the_last_came_together() -> None:
    ran = virtual_time.run(_Runs(writes=True).asked_at(0, 1, 1, 2, 3.6, 20, 24.2))
    assert ran == [(0, 1), (3, 3), (7, 1), (20, 1), (24.2, 1)]


def test_where_many_came_together_writes_wait_twice_as_long() -> None:
    few, many = ([0.0, *[1.0] * count, 3.5, 5.5] for count in (9, 10))
    assert virtual_time.run(_Runs(writes=True).asked_at(*few)) == [(0, 1), (3, 9), (7, 2)]
    assert virtual_time.run(_Runs(writes=True).asked_at(*many)) == [(0, 1), (3, 10), (8, 2)]


def test_a_crowd_is_over_after_a_few_that_wrote_alone() -> None:
    ran = virtual_time.run(_Runs(writes=True).asked_at(0, *[1] * 20, 20, 40, 60, 80, 100, 120))
    assert ran == [(0, 1), (3, 20), (22, 1), (42, 1), (61, 1), (80, 1), (100, 1), (120, 1)]


def test_a_full_group_waits_for_nobody() -> None:
    ran = virtual_time.run(_Runs(writes=True).asked_at(0, *[1] * 400, 8))
    assert ran == [(0, 1), (3, 200), (6, 200), (11, 1)]


def test_reads_wait_for_nobody() -> None:
    ran = virtual_time.run(_Runs(writes=False).asked_at(0, 1, 4, 8))
    assert ran == [(0, 1), (3, 1), (6, 1), (9, 1)]
