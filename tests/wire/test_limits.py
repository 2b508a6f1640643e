"""Rates and cost points, in virtual time."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import Lane, RateLimit, lane
from gateway.wire.cost_bucket import CostBucket
from gateway.wire.limits import Slots
from tests.virtual_time import run

allowances = st.sampled_from([1, 2, 4, 10, 20, 50, 100])
periods = st.sampled_from([1.0, 10.0])
gaps = st.lists(st.floats(0, 3), min_size=1, max_size=80)


def most_in_a_window(times: Iterable[float], period: float) -> int:
    """The highest number in any window of `period` seconds, wherever it begins."""
    ordered = sorted(times)
    return max(sum(1 for t in ordered if began <= t < began + period) for began in ordered)


async def _asked(limit: RateLimit, waits: list[float], lanes: list[Lane]) -> list[float]:
    loop = asyncio.get_running_loop()
    passed: list[float] = []

    async def one(which: Lane) -> None:
        lane.set(which)
        await limit.acquire()
        passed.append(loop.time())

    async with asyncio.TaskGroup() as group:
        for number, wait in enumerate(waits):
            # Most arrive at once, as a backlog does; some later, so that the bucket is full again.
            await asyncio.sleep(wait if wait > 2 else 0)
            group.create_task(one(lanes[number % len(lanes)]))
    return passed


@settings(max_examples=60)
@given(allowances, periods, gaps, st.lists(st.sampled_from(list(Lane)), min_size=1, max_size=5))
def test_no_window_ever_sees_more_than_the_allowance(
    allowed: int, period: float, waits: list[float], lanes: list[Lane]
) -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        return await _asked(RateLimit(loop.time, allowed, period), waits, lanes)

    passed = run(scene())
    assert len(passed) == len(waits)
    assert most_in_a_window(passed, period - 1e-6) <= allowed


def test_the_limit_is_used_and_not_only_kept() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limit = RateLimit(loop.time, 50)
        await _asked(limit, [0.0] * 500, [Lane.LIVE])
        return loop.time()

    assert run(scene()) <= 1.1 * 500 / 50


def test_live_sign_ups_go_before_a_backlog_that_came_first() -> None:
    async def scene() -> list[Lane]:
        limit = RateLimit(asyncio.get_running_loop().time, 10)
        order: list[Lane] = []

        async def one(which: Lane) -> None:
            lane.set(which)
            await limit.acquire()
            order.append(which)

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(one(Lane.BACKLOG))
            await asyncio.sleep(0)
            for _ in range(3):
                group.create_task(one(Lane.LIVE))
        return order

    assert run(scene()).index(Lane.LIVE) <= 1
    assert run(scene())[:5].count(Lane.LIVE) == 3


async def _rate(limit: RateLimit, seconds: float) -> float:
    """Calls a second that pass while one caller after the other asks."""
    loop = asyncio.get_running_loop()
    until, passed = loop.time() + seconds, 0
    while loop.time() < until:
        await limit.acquire()
        passed += 1
    return passed / seconds


def test_a_limit_that_others_cause_halves_the_rate_at_once_and_recovers_slowly() -> None:
    async def scene() -> tuple[float, float, float, float]:
        limit = RateLimit(asyncio.get_running_loop().time, 100)
        full = await _rate(limit, 10)
        limit.throttled(None)
        halved = await _rate(limit, 4)
        middle = await _rate(limit, 12)
        await asyncio.sleep(60)
        await limit.acquire()
        return full, halved, middle, await _rate(limit, 10)

    full, halved, middle, after = run(scene())
    assert halved == pytest.approx(full / 2, rel=0.1)
    assert halved < middle < full
    assert after == pytest.approx(full, rel=0.1)


def test_repeated_throttling_never_stops_a_channel_for_good() -> None:
    async def scene() -> float:
        limit = RateLimit(asyncio.get_running_loop().time, 10)
        for _ in range(100):
            limit.throttled(None)
        before = asyncio.get_running_loop().time()
        await limit.acquire()
        await limit.acquire()
        return asyncio.get_running_loop().time() - before

    assert run(scene()) < 10


def test_nobody_passes_during_the_pause_that_the_upstream_asked_for() -> None:
    """Those who wait already, too; a longer pause than this is the channel's gate's business."""

    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        limit = RateLimit(loop.time, 10)
        passed: list[float] = []

        async def one() -> None:
            await limit.acquire()
            passed.append(loop.time())

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(one())
            await asyncio.sleep(0.05)
            limit.throttled(1.5)
            await asyncio.sleep(0)
            group.create_task(one())
        return passed

    assert not [at for at in run(scene()) if 0.06 < at < 1.5]


def test_a_waiter_who_gives_up_takes_nothing() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limit = RateLimit(loop.time, 1)
        await limit.acquire()
        for _ in range(5):
            waiter = asyncio.create_task(limit.acquire())
            await asyncio.sleep(0.1)
            waiter.cancel()
            await asyncio.gather(waiter, return_exceptions=True)
        await limit.acquire()
        return loop.time()

    assert run(scene()) == pytest.approx(1.03, abs=0.1)


def test_the_backlog_leaves_a_reserve_of_points_to_sign_ups() -> None:
    async def scene() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        bucket = CostBucket(loop.time)
        bucket.learn(1000, 300, 50, 0)
        token = lane.set(Lane.BACKLOG)
        backlog = asyncio.create_task(_taken(bucket, 100))
        lane.reset(token)
        live = await _taken(bucket, 100)
        return live, await backlog

    live, backlog = run(scene())
    assert live == pytest.approx(0.0, abs=0.01)
    assert backlog == pytest.approx((250 + 100 - 200) / 50, abs=0.1)


async def _taken(bucket: CostBucket, cost: float) -> float:
    await bucket.take(cost)
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("available", "in_flight", "cost", "seconds"),
    [(500, 0, 100, 0.0), (50, 0, 100, 1.0), (100, 50, 100, 1.0), (0, 100, 100, 4.0)],
)
def test_the_wait_for_points_follows_from_the_last_answer(
    available: float, in_flight: float, cost: float, seconds: float
) -> None:
    async def scene() -> tuple[float, float]:
        bucket = CostBucket(asyncio.get_running_loop().time)
        bucket.learn(1000, available, 50, in_flight)
        told = bucket.wait_for(cost)
        return told, await _taken(bucket, cost)

    told, waited = run(scene())
    assert told == pytest.approx(seconds)
    assert waited == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(("maximum", "restore"), [(0, 100), (1000, 0), (-5, -5)])
def test_numbers_that_make_no_sense_change_nothing(maximum: float, restore: float) -> None:
    async def scene() -> float:
        bucket = CostBucket(asyncio.get_running_loop().time)
        bucket.learn(maximum, 0, restore, 0)
        return await _taken(bucket, 100)

    assert run(scene()) == 0.0


def test_a_call_that_costs_more_than_the_bucket_holds_goes_when_it_is_full() -> None:
    async def scene() -> float:
        bucket = CostBucket(asyncio.get_running_loop().time)
        bucket.learn(100, 50, 10, 0)
        return await _taken(bucket, 500)

    assert run(scene()) == pytest.approx(5.0, abs=0.1)


# -- a waiter who is cancelled just as its turn comes


def test_a_slot_that_came_to_a_waiter_who_is_cancelled_is_free_again() -> None:
    async def scene() -> bool:
        slots = Slots(1)

        async def one() -> bool:
            async with slots:
                return True

        await slots.__aenter__()
        waiter = asyncio.create_task(one())
        await asyncio.sleep(0)
        await slots.__aexit__()
        waiter.cancel()
        await asyncio.wait({waiter})
        return await asyncio.wait_for(one(), 1)

    assert run(scene())


def test_a_call_that_was_let_through_and_then_cancelled_is_not_counted() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        limit = RateLimit(loop.time, 1)
        await asyncio.sleep(10)
        await limit.acquire()
        waiter = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        assert limit._timer is not None
        limit._timer.cancel()  # so that its turn comes as it is cancelled
        await asyncio.sleep(5)
        limit._serve()
        waiter.cancel()
        await asyncio.wait({waiter})
        began = loop.time()
        await limit.acquire()
        return loop.time() - began

    assert run(scene()) == 0


def test_points_that_came_to_a_call_that_is_cancelled_are_given_back() -> None:
    async def scene() -> bool:
        bucket = CostBucket(asyncio.get_running_loop().time)
        bucket.learn(100, 0, 10, 0)
        waiter = asyncio.create_task(bucket.take(50))
        await asyncio.sleep(0)
        inner = bucket._bucket
        assert inner._timer is not None
        inner._timer.cancel()
        await asyncio.sleep(6)
        inner._serve()
        waiter.cancel()
        await asyncio.wait({waiter})
        return bucket.take_now(60)

    assert run(scene())
