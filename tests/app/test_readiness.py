"""Readiness is answered at once, however long the queue before the database is, and is honest."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.app import readiness
from gateway.app.readiness import Readiness
from gateway.background import Background
from gateway.errors import StorageError
from gateway.store import Database, Engine, members
from gateway.store.postgres import Postgres, engine
from gateway.wire.edge import Edge
from tests.store.postgres.conftest import cluster, postgres, url

__all__ = ["cluster", "postgres", "url"]

MANY = 500


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "PostgreSQL":
        return Postgres(request.getfixturevalue("url"))
    return Database(tmp_path / "gateway.db")


@pytest.fixture
async def db(closed: Engine) -> AsyncIterator[Engine]:
    await closed.open()
    try:
        yield closed
    finally:
        await closed.close()


@pytest.fixture
async def ready(db: Engine) -> AsyncIterator[Readiness]:
    background = Background()
    yield Readiness(db, Edge().require_trust, background)
    await background.stop()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE", 0.02)


def note(number: int) -> Any:
    return lambda db: members.set_meta(db, f"note {number}", "x")


@contextmanager
def overloaded(db: Engine) -> Iterator[list["asyncio.Task[Any]"]]:
    """Every lane is busy until the end, and many units wait."""
    end = threading.Event()

    def busy(_: Any) -> None:
        assert end.wait(30)

    with ExitStack() as stack:
        stack.callback(end.set)
        tasks = [asyncio.ensure_future(db.write(busy, (n,))) for n in range(4)]
        tasks += [asyncio.ensure_future(db.write(note(n), (10 + n,))) for n in range(MANY)]
        yield tasks


async def test_it_is_ready_while_all_lanes_are_busy_and_many_wait(
    db: Engine, ready: Readiness
) -> None:
    with overloaded(db) as tasks:
        for _ in range(3):
            await asyncio.wait_for(ready.require(), 5)
        assert not any(task.done() for task in tasks)
    await asyncio.gather(*tasks)


async def test_it_is_not_ready_once_nothing_is_done_for_long(
    db: Engine, ready: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_DEAD", 0.05)
    with overloaded(db) as tasks:
        await asyncio.sleep(0.1)
        with pytest.raises(StorageError, match="done nothing"):
            await ready.require()
    await asyncio.gather(*tasks)
    await ready.require()


async def test_a_commit_of_just_now_is_proof_enough(
    db: Engine, ready: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    proofs: list[None] = []
    real = db.prove

    async def prove() -> None:
        proofs.append(None)
        await real()

    monkeypatch.setattr(db, "prove", prove)
    await db.write(note(1))
    for _ in range(3):
        await ready.require()
    assert proofs == []
    monkeypatch.setattr(readiness, "_FRESH", 0.0)
    monkeypatch.setattr(readiness, "_PATIENCE", 10.0)
    await asyncio.gather(*(ready.require() for _ in range(3)))
    assert len(proofs) == 1


async def test_it_is_not_ready_while_the_database_refuses(
    db: Engine, ready: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is again as soon as one is written, whoever's it is."""
    monkeypatch.setattr(readiness, "_PATIENCE", 10.0)
    await db.write(note(1))
    full = StorageError("full", "make room")

    def refused(_: Any) -> None:
        raise full

    async def prove() -> None:
        await db.write(refused, ())

    with monkeypatch.context() as patch:
        patch.setattr(db, "prove", prove)
        with suppress(StorageError):
            await db.write(refused, ())
        for _ in range(2):
            with pytest.raises(StorageError) as caught:
                await ready.require()
            assert caught.value is full
    await ready.require()


async def test_who_may_not_be_the_only_one_is_not_ready(db: Engine) -> None:
    ready = Readiness(db, Edge(lambda: False).require_trust, Background())
    await db.write(note(1))
    with pytest.raises(StorageError, match="another gateway may be active"):
        await ready.require()


async def test_whoever_has_failed_on_a_server_is_proven_by_new_pages(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk a row that finds room in an old page is still written."""

    def refused(_: Any) -> None:
        raise StorageError("full", "make room")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_ROOM", "CREATE TABLE proof_of_room AS SELECT 1 / 0")
        await postgres.prove()
        with suppress(StorageError):
            await postgres.write(refused, ())
        with pytest.raises(sqlite3.IntegrityError):
            await postgres.prove()
    await postgres.prove()
    assert postgres.pulse.failure is None
