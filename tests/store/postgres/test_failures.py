"""What is known, and what goes on, after a connection has failed. The database is a real one."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from gateway.errors import StorageError
from gateway.store import members
from gateway.store.postgres import Postgres
from gateway.store.postgres.errors import TakenOverError, UndecidedError
from gateway.store.postgres.session import Session
from tests.store.postgres.steps import note, noted


def end_backend(db: Any) -> None:
    """As an administrator does, or a fail-over: the connection of this very unit."""
    with suppress(psycopg.Error):
        db.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_connection_that_breaks_within_a_unit_costs_nothing(postgres: Postgres) -> None:
    tries: list[None] = []

    def unit(db: Any) -> str:
        tries.append(None)
        members.set_meta(db, "kept", str(len(tries)))
        if len(tries) == 1:
            end_backend(db)
        return members.get_meta(db, "kept") or ""

    assert await postgres.write(unit) == "2"
    assert await postgres.read(noted("kept")) == "2"


@pytest.fixture(params=[True, False], ids=["it was done", "it was not"])
def lost_answer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """The next COMMIT's answer is lost; whether it had reached the database."""
    real, left = Session.run, [1]

    def run(self: Session, script: str) -> Any:
        if script != "COMMIT" or not left:
            return real(self, script)
        left.clear()
        if request.param:
            real(self, script)
        self.connection.close()
        raise psycopg.OperationalError

    monkeypatch.setattr(Session, "run", run)
    yield request.param
    assert not left


async def test_a_unit_whose_commit_was_not_answered_is_done_once(
    postgres: Postgres, lost_answer: bool
) -> None:
    tries: list[None] = []

    def unit(db: Any) -> int:
        tries.append(None)
        db.execute("INSERT INTO meta VALUES (?, 'x')", (f"try {len(tries)}",))
        return len(tries)

    last = 1 if lost_answer else 2
    assert await postgres.write(unit) == last
    keys = await postgres.read(lambda db: [row[0] for row in db.execute("SELECT key FROM meta")])
    assert keys == [f"try {last}"]
    await postgres.write(note("goes on"))


async def test_what_is_not_known_at_the_end_is_said(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database does not come back before the gateway is stopped."""
    engine = Postgres(url, lanes=1)
    await engine.open()
    await engine.write(note("first"))
    gone = threading.Event()
    real = Session.run

    def run(self: Session, script: str) -> Any:
        if script != "COMMIT":
            return real(self, script)
        self.connection.close()
        gone.set()
        raise psycopg.OperationalError

    def away(_: str) -> Session:
        raise psycopg.OperationalError

    monkeypatch.setattr(Session, "run", run)
    monkeypatch.setattr("gateway.store.postgres.lane.Session", away)
    monkeypatch.setattr("gateway.store.postgres.engine.PATIENCE", 0.0)
    writing = asyncio.create_task(engine.write(note("perhaps")))
    assert await asyncio.to_thread(gone.wait, 20)
    await engine.close()
    with pytest.raises(UndecidedError):
        await writing


async def test_a_gateway_whose_place_was_taken_writes_nothing(url: str, postgres: Postgres) -> None:
    await postgres.write(note("mine"))
    with psycopg.connect(url, autocommit=True) as another:
        another.execute("DELETE FROM lanes")
    with pytest.raises(TakenOverError):
        await postgres.write(note("too late"))
    assert await postgres.read(noted("too late")) is None


async def test_a_silent_connection_is_given_up(postgres: Postgres) -> None:
    tries: list[None] = []
    asked = threading.Event()

    def unit(db: Any) -> None:
        tries.append(None)
        if len(tries) == 1:
            asked.set()
            db.execute("SELECT pg_sleep(1)")
        members.set_meta(db, "again", "x")

    writing = asyncio.create_task(postgres.write(unit))
    assert await asyncio.to_thread(asked.wait, 20)
    while not sum(lane.shut_if_silent(0.0) for lane in postgres._lanes):
        await asyncio.sleep(0.01)
    await writing
    assert len(tries) == 2
    assert await postgres.read(noted("again")) == "x"


async def test_a_database_that_is_not_there_is_an_error_with_a_hint() -> None:
    engine = Postgres("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageError) as raised:
        await engine.open()
    assert "reached" in raised.value.hint
    await engine.close()
