"""Who is active, who takes whose place, and when. The database is a real one, the time is not."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest

from gateway.errors import ConfigurationError, StorageError
from gateway.store.postgres import Lease, Limits, Postgres
from gateway.store.postgres.clock import SharedClock
from gateway.store.postgres.errors import TakenOverError
from gateway.store.postgres.session import Session
from tests.store.postgres.standing import Standing
from tests.store.postgres.steps import note, noted


def held_by(lease: Lease) -> str | None:
    assert lease.seen is not None
    return None if lease.seen.holder is None else lease.seen.holder.id


def told(url: str, statement: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode())


async def test_the_first_is_active_and_the_next_stands_by(standing: Standing) -> None:
    first, second = await standing.two()
    assert (first.mine.is_set(), second.mine.is_set()) == (True, False)
    assert (first.trusted(), second.trusted()) == (True, False)
    assert held_by(second) == first.me.id
    assert (first.is_new, second.is_new) == (True, False)


async def test_a_database_is_not_new_to_who_made_its_tables_and_let_another_go_first(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, other = standing.new(), standing.new()
    begin = maker._round

    async def overtaken() -> float | None:
        monkeypatch.setattr(maker, "_round", begin)
        await standing.enter(other)
        return await begin()

    monkeypatch.setattr(maker, "_round", overtaken)
    await standing.enter(maker)
    assert (maker.mine.is_set(), other.mine.is_set()) == (False, True)
    await other.leave()
    await maker._one_round()
    assert maker.mine.is_set()
    assert not maker.is_new


async def test_gateways_that_start_together_are_not_both_active(standing: Standing) -> None:
    leases = [standing.new() for _ in range(4)]
    await asyncio.gather(*map(standing.enter, leases))
    await standing.passes(2, *leases)
    assert sum(lease.mine.is_set() for lease in leases) == 1


async def test_who_leaves_is_followed_at_once(standing: Standing) -> None:
    first, second = await standing.two()
    await first.begin_to_leave()
    await second._one_round()
    assert second.seen is not None
    assert second.seen.holder is not None
    assert second.seen.holder.leaving
    await first.leave()
    await second._one_round()
    assert second.mine.is_set()
    assert second.trusted()
    assert not first.trusted()


async def test_a_dead_ones_place_is_taken_after_ten_seconds_of_unbroken_beats(
    standing: Standing,
) -> None:
    first, second = await standing.two()
    await standing.passes(9.5, second)
    assert not second.mine.is_set()
    assert not first.trusted()  # before anybody else is
    await standing.passes(2, second)
    assert second.mine.is_set()
    await first._one_round()
    assert first.lost.is_set()
    assert isinstance(first.failure, TakenOverError)
    assert not first.trusted()


async def test_it_is_looked_in_the_very_moment_in_which_the_active_one_may_be_dead(
    standing: Standing,
) -> None:
    _, second = await standing.two()
    await standing.passes(8, second)
    assert await second._one_round() == Limits().look
    standing.now += 1.75
    pause = await second._one_round()
    assert pause is not None
    assert pause == pytest.approx(0.25)
    assert not second.mine.is_set()
    standing.now += pause
    await second._one_round()
    assert second.mine.is_set()


async def test_who_beats_is_not_dead(standing: Standing) -> None:
    first, second = await standing.two()
    await standing.passes(60, first, second)
    assert (first.mine.is_set(), second.mine.is_set()) == (True, False)
    assert first.trusted()


async def test_nobody_is_dead_because_the_database_was_away(standing: Standing) -> None:
    first, second = await standing.two()
    standing.now += 30
    assert not first.trusted()
    await second._one_round()  # is the first that reaches it again
    await standing.passes(4, second)
    await first._one_round()
    await standing.passes(30, first, second)
    assert (first.mine.is_set(), second.mine.is_set()) == (True, False)
    assert first.trusted()


async def test_no_clock_of_the_database_says_who_is_dead(standing: Standing) -> None:
    first, second = await standing.two()
    for hours in (5, -5):
        told(standing.url, f"UPDATE gateways SET seen_at = seen_at + {hours * 3600}")
        await standing.passes(6, second)
    assert not second.mine.is_set()
    await first._one_round()
    assert not first.lost.is_set()


async def test_trust_begins_before_the_beat_and_lasts_eight_seconds(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await standing.enter(standing.new())
    real = Session.run

    def slow(self: Session, script: str) -> Any:
        found = real(self, script)
        standing.now += 3
        return found

    monkeypatch.setattr(Session, "run", slow)
    await first._one_round()
    standing.now += 4.9
    assert first.trusted()
    standing.now += 0.2
    assert not first.trusted()


async def test_a_slow_beat_of_the_active_one_saves_it(standing: Standing) -> None:
    """It was seen between two looks of the other one, which takes only what it saw."""
    first, second = await standing.two()
    await standing.passes(9, second)
    assert second.seen is not None
    dead = second.seen.holder
    await first._one_round()
    await second._take(dead)
    await second._one_round()
    assert not second.mine.is_set()


async def test_who_stands_by_and_was_forgotten_is_there_again(standing: Standing) -> None:
    first, second = await standing.two()
    told(standing.url, f"DELETE FROM gateways WHERE id = '{second.me.id}'")
    await second._one_round()
    await first.leave()
    await second._one_round()
    assert second.mine.is_set()


async def test_an_active_one_that_has_no_row_must_end(standing: Standing) -> None:
    """As after a fail-over that has lost the last seconds."""
    first = await standing.enter(standing.new())
    told(standing.url, "DELETE FROM gateways")
    await first._one_round()
    assert first.lost.is_set()
    assert not first.trusted()


async def test_what_a_zombie_writes_is_refused_and_ends_it(standing: Standing) -> None:
    first, second = await standing.two()
    engine = Postgres(standing.url, lanes=2, lease=first)
    await engine.open()
    await engine.write(note("mine"))
    await standing.passes(12, second)
    with pytest.raises(TakenOverError):
        await engine.write(note("too late"))
    assert await engine.read(noted("too late")) is None
    assert first.lost.is_set()
    await engine.close()


async def test_a_take_over_waits_for_the_transaction_of_a_zombie(standing: Standing) -> None:
    first, second = await standing.two()
    engine = Postgres(standing.url, lanes=2, lease=first)
    await engine.open()
    begun, go = threading.Event(), threading.Event()

    def unit(db: Any) -> None:
        note("begun before")(db)
        begun.set()
        assert go.wait(20)

    writing = asyncio.create_task(engine.write(unit))
    assert await asyncio.to_thread(begun.wait, 20)
    await standing.passes(8, second)
    taking = asyncio.create_task(standing.passes(4, second))
    await until_somebody_waits(standing.url)
    assert not second.mine.is_set()
    go.set()
    await asyncio.gather(writing, taking)
    await second._one_round()  # where that has had no more patience
    assert second.mine.is_set()
    with pytest.raises(TakenOverError):
        await engine.write(note("too late"))
    assert await engine.read(noted("begun before")) == "x"
    await engine.close()


async def until_somebody_waits(url: str) -> None:
    async with asyncio.timeout(20):
        while not told(url, "SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            await asyncio.sleep(0.01)


async def test_a_gateway_with_another_secret_does_not_stand_here(standing: Standing) -> None:
    await standing.enter(standing.new(secrets=("aa",)))
    with pytest.raises(ConfigurationError, match="GATEWAY_SECRET"):
        await standing.enter(standing.new(secrets=("bb",)))
    found = told(standing.url, "SELECT count(*) FROM gateways").fetchone()
    assert found == (1,)


async def test_a_secret_is_rotated_by_a_list_and_who_has_not_the_new_one_ends(
    standing: Standing,
) -> None:
    first = await standing.enter(standing.new(secrets=("aa",)))
    third = await standing.enter(standing.new(secrets=("aa",)))
    second = await standing.enter(standing.new(secrets=("bb", "aa")))
    await first.leave()
    await second._one_round()
    assert second.mine.is_set()
    await third._one_round()
    assert third.lost.is_set()
    assert isinstance(third.failure, ConfigurationError)


async def test_a_command_is_asked_to_make_way_by_a_gateway_alone(standing: Standing) -> None:
    command = await standing.enter(standing.new(address=None))
    other = await standing.enter(standing.new(address=None))
    await standing.passes(2, other, command)
    assert not command.asked.is_set()
    serving = await standing.enter(standing.new())
    await standing.passes(2, serving, command)
    assert command.asked.is_set()
    await command.leave()
    await serving._one_round()
    assert serving.mine.is_set()
    assert not serving.asked.is_set()


async def test_the_address_is_that_by_which_the_database_is_reached(standing: Standing) -> None:
    first = await standing.enter(standing.new())
    assert first.me.address == "http://127.0.0.1:8080"


async def test_a_database_that_is_not_there_is_said_at_the_start(standing: Standing) -> None:
    away = standing.new(url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageError) as raised:
        await standing.enter(away)
    assert "reached" in raised.value.hint


async def test_the_time_is_the_databases(standing: Standing) -> None:
    first = await standing.enter(standing.new())
    before = first.now()
    standing.now += 7
    assert first.now() == before + 7
    (at,) = told(standing.url, "SELECT seen_at FROM gateways").fetchone()
    assert before >= at


def test_a_slow_answer_moves_no_clock() -> None:
    time = [0.0]
    clock = SharedClock(lambda: time[0])
    clock.heard(10.0, 10.2, 1010.1)
    exact = clock.now()
    clock.heard(20.0, 26.0, 1021.0)
    assert clock.now() == exact
    clock.heard(30.0, 30.2, 1031.0)
    assert 1000.8 <= clock.now() <= 1001.0
