"""What a turn is reckoned from, and how long a promise of points is kept."""

import asyncio

import pytest

from gateway.wire import Lane, in_line, lane, line
from tests.wire.queue import ask, full_of, loop_time, scene, told


def test_what_sign_ups_have_cost_says_when_the_next_ones_turn_is() -> None:
    async def play() -> None:
        bucket = full_of(2000)
        for number in range(200):
            with in_line(f"dear {number}".encode()):
                bucket.spent(30)
                bucket.spent(10)
        bucket.learn(2000, -1000, 100, 0)
        assert await told(bucket, "the one") == pytest.approx(10.4 - 1.0, abs=0.1)

    scene(play)


@pytest.mark.parametrize(
    ("patience", "for_the_call", "early"), [(16.0, 2.0, 1.0), (2.0, 0.5, 0.5), (6.0, 1.5, 1.0)]
)
def test_a_share_of_the_time_is_left_to_the_call_and_to_who_comes_back(
    patience: float, for_the_call: float, early: float
) -> None:
    async def play() -> None:
        turn = patience - for_the_call - 0.01
        bucket = full_of(18 - turn * 100)
        await asyncio.sleep(0)
        with in_line(b"the last in time"):
            waiting = asyncio.create_task(bucket.take_by(patience, 18))
        await asyncio.sleep(0)
        with in_line(b"the first who is not"):
            wait = await bucket.take_by(patience, 18)
        assert loop_time() == 0
        assert wait == pytest.approx(turn + 0.18 - early)
        assert await waiting is None
        assert loop_time() == pytest.approx(turn)

    scene(play)


def test_points_are_kept_by_the_newest_promise() -> None:
    async def play() -> None:
        bucket = full_of(-1000)
        wait = await told(bucket, "the one")
        await asyncio.sleep(wait)
        bucket.learn(2000, -3000, 100, 0)  # somebody else uses the same budget
        assert (await ask(bucket, "the one") or 0.0) > 10
        await asyncio.sleep(12)
        assert bucket._line.awaited() == 1
        await asyncio.sleep(30)
        assert bucket._line.awaited() == 0
        assert await ask(bucket, "the one") is None
        assert bucket._line.awaited() == 0

    scene(play)


def test_what_costs_nothing_and_what_is_for_nobody_says_nothing_of_a_sign_up() -> None:
    async def play() -> None:
        bucket = full_of(-1000)
        for _ in range(100):
            bucket.spent(500)
            with in_line(b"throttled"):
                bucket.spent(0)
        assert await told(bucket, "the one") == pytest.approx(10.18 - 1.0, abs=0.01)

    scene(play)


def test_so_many_places_are_kept_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        monkeypatch.setattr(line, "_REMEMBERED", 3)
        bucket = full_of(-1000)
        times = [await told(bucket, f"person {n}") for n in range(4)]
        assert await told(bucket, "person 3") == pytest.approx(times[3])
        assert await told(bucket, "person 0") > times[2]

    scene(play)


def test_the_backlog_waits_behind_all_who_stand_in_line() -> None:
    async def play() -> None:
        bucket = full_of(700)
        token = lane.set(Lane.BACKLOG)
        backlog = asyncio.create_task(bucket.take_by(loop_time() + 60, 300))
        lane.reset(token)
        await asyncio.sleep(0)
        assert await ask(bucket, "the one") is None
        assert loop_time() == 0
        assert await backlog is None
        assert loop_time() == pytest.approx((300 + 500 - (700 - 18)) / 100)

    scene(play)
