"""Who waits for Shopify's points, who is told to come back, and that this holds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import count, pairwise

import pytest

from gateway.wire import Lane, in_line, lane, line
from gateway.wire.cost_bucket import CostBucket
from tests.virtual_time import run

DEADLINE = 8.0
"""Seconds that each may wait, of which two are for the call itself."""


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def full_of(points: float) -> CostBucket:
    bucket = CostBucket(loop_time)
    bucket.learn(2000, points, 100, 0)
    return bucket


async def ask(bucket: CostBucket, whose: str, cost: float = 18.0) -> float | None:
    """None once the points are there, or the seconds until they may be asked for again."""
    with in_line(whose.encode()) if whose else nullcontext():
        wait = await bucket.take_by(loop_time() + DEADLINE, cost)
        if wait is None:
            bucket.spent(cost)
        return wait


async def many(
    bucket: CostBucket, count: int, who: str = "person"
) -> list[asyncio.Task[float | None]]:
    """So many come one after the other; all have been told, or wait."""
    tasks = [asyncio.create_task(ask(bucket, f"{who} {n}")) for n in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def told(bucket: CostBucket, whose: str) -> float:
    began, wait = loop_time(), await ask(bucket, whose)
    assert wait is not None
    assert loop_time() == began, "it was told at once"
    return wait


def scene(play: Callable[[], Awaitable[None]]) -> None:
    async def played() -> None:
        await play()

    run(played())


def test_whose_turn_comes_in_time_waits_and_whose_does_not_is_told_at_once() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 100)
        at_once = [task for task in crowd if task.done()]
        assert len(at_once) == 100 - 33  # six seconds bring 600 points
        assert all(task.result() for task in at_once)
        waited = [await task for task in crowd if task not in at_once]
        assert waited == [None] * len(waited)
        assert loop_time() == pytest.approx(33 * 0.18)

    scene(play)


def test_points_that_are_there_are_taken_however_little_time_is_left() -> None:
    async def play() -> None:
        passing = count(1.0, 0.001)
        bucket = CostBucket(lambda: next(passing))
        with in_line(b"the one"):
            assert await bucket.take_by(0.9, 18) is None

    scene(play)


def test_each_is_told_when_its_own_turn_comes() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 100)
        times = [task.result() or 0.0 for task in crowd if task.done()]
        steps = [later - earlier for earlier, later in pairwise(times)]
        assert steps == pytest.approx([0.18] * len(steps))
        assert times[-1] == pytest.approx(100 * 0.18 - 1.0)
        await asyncio.wait(crowd)

    scene(play)


def test_whoever_comes_back_as_told_is_served_before_newcomers() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 60)
        wait = await told(bucket, "the one")
        await asyncio.sleep(wait)
        await asyncio.wait(crowd)
        newcomers = await many(bucket, 60, "newcomer")
        began = loop_time()
        assert await ask(bucket, "the one") is None
        assert loop_time() - began < 1.5
        await asyncio.wait(newcomers)

    scene(play)


def test_whoever_comes_too_early_is_told_the_rest_and_keeps_the_place() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 100)
        first = await told(bucket, "the one")
        behind = await told(bucket, "another")
        await asyncio.sleep(3)
        assert await told(bucket, "the one") == pytest.approx(first - 3, abs=0.01)
        assert await told(bucket, "the one") == pytest.approx(first - 3, abs=0.01)
        assert await told(bucket, "another") == pytest.approx(behind - 3, abs=0.01)
        assert await told(bucket, "a third") > behind - 3
        await asyncio.wait(crowd)

    scene(play)


def test_whoever_comes_much_too_late_is_still_before_newcomers() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 60)
        wait = await told(bucket, "the one")
        await asyncio.sleep(wait + 60)
        bucket.learn(2000, 0, 100, 0)
        newcomers = await many(bucket, 60, "newcomer")
        began = loop_time()
        assert await ask(bucket, "the one") is None
        assert loop_time() - began == pytest.approx(0.18)
        await asyncio.wait([*crowd, *newcomers])

    scene(play)


def test_points_are_not_kept_for_long_for_whoever_does_not_come_back() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 100)
        longest = max(task.result() or 0.0 for task in crowd if task.done())
        await asyncio.wait(crowd)
        await asyncio.sleep(longest + 12)
        bucket.learn(2000, 0, 100, 0)
        began = loop_time()
        assert await ask(bucket, "a newcomer") is None
        assert loop_time() - began == pytest.approx(0.18)

    scene(play)


def test_who_stands_in_no_line_waits_its_turn_among_those_who_wait_here() -> None:
    async def play() -> None:
        bucket = full_of(0)
        crowd = await many(bucket, 100)
        began = loop_time()
        assert await ask(bucket, "") is None
        assert loop_time() - began == pytest.approx(34 * 0.18)
        await asyncio.wait(crowd)

    scene(play)


def test_who_stands_in_no_line_and_is_not_served_is_told_of_all_who_wait() -> None:
    async def play() -> None:
        bucket = full_of(-50)
        crowd = await many(bucket, 30)
        token = lane.set(Lane.BACKLOG)
        backlog = asyncio.create_task(bucket.take_by(loop_time() + 60, 300))
        lane.reset(token)
        wait = await bucket.take_by(loop_time() + 1, 100)
        assert wait == pytest.approx((28 * 18 + 100 - (50 - 2 * 18)) / 100)
        await asyncio.wait([*crowd, backlog])

    scene(play)


def test_who_stands_in_no_line_and_is_not_served_is_told_when_all_before_have_been() -> None:
    async def play() -> None:
        bucket = full_of(-1000)
        wait = await bucket.take_by(loop_time() + 1, 100)
        assert loop_time() == 1.0
        assert wait == pytest.approx(10.0)

    scene(play)


def test_whom_an_estimate_kept_waiting_in_vain_keeps_the_place() -> None:
    async def play() -> None:
        bucket = full_of(0)
        one = asyncio.create_task(ask(bucket, "the one", 500))
        await asyncio.sleep(1)
        behind = await many(bucket, 5, "behind")
        bucket.learn(2000, -600, 100, 0)  # somebody else uses the same budget
        wait = await one
        assert loop_time() == 6.0
        assert wait == pytest.approx(6.0 - 1.0)
        await asyncio.sleep(wait or 0.0)
        again = asyncio.create_task(ask(bucket, "the one", 500))
        crowd = await many(bucket, 10)
        assert await again is None
        assert loop_time() == pytest.approx(12.0)
        await asyncio.wait([*crowd, *behind])

    scene(play)


def test_whom_shopify_throttled_keeps_the_place() -> None:
    async def play() -> None:
        bucket = full_of(2000)
        with in_line(b"the one"):
            assert await bucket.take_by(loop_time() + DEADLINE, 20) is None
            assert bucket.put_off(30.0) == 30.0
        bucket.learn(2000, 0, 100, 0)
        assert await told(bucket, "the one") == pytest.approx(29.0)

    scene(play)


def test_a_second_call_for_the_same_person_stands_before_all_who_came_later() -> None:
    async def play() -> None:
        bucket = full_of(18)
        with in_line(b"the one"):
            assert await bucket.take_by(loop_time() + DEADLINE, 18) is None
            crowd = await many(bucket, 100)
            assert await bucket.take_by(loop_time() + DEADLINE, 18) is None
        assert loop_time() == pytest.approx(0.18)
        await asyncio.wait(crowd)

    scene(play)


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
