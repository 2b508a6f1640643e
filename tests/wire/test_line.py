"""Who waits for Shopify's points, who is told to come back, and that this holds."""

import asyncio
from itertools import count, pairwise

import pytest

from gateway.wire import Lane, in_line, lane
from gateway.wire.cost_bucket import CostBucket
from tests.wire.queue import DEADLINE, ask, full_of, loop_time, many, scene, told


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
