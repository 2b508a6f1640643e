"""Shopify's bucket of points, and the slots: who gets how much, and when."""

import asyncio

import pytest

from gateway.wire import Lane, lane
from gateway.wire.cost_bucket import CostBucket
from gateway.wire.limits import Slots
from tests.virtual_time import run
from tests.wire.moments import BACKLOG, LIVE, now, now_of_loop


def test_slots_that_are_given_back_are_as_many_as_before() -> None:
    async def scene() -> list[bool]:
        slots = Slots(2)
        for _ in range(3):
            await asyncio.gather(*(use(slots) for _ in range(4)))
        await slots.__aenter__()
        await slots.__aenter__()
        third = asyncio.create_task(slots.__aenter__())
        await asyncio.sleep(1)
        waited = not third.done()
        await slots.__aexit__()
        await asyncio.sleep(1)
        return [waited, third.done()]

    async def use(slots: Slots) -> None:
        async with slots:
            await asyncio.sleep(0.1)

    assert run(scene()) == [True, True]


def test_a_waiter_who_leaves_before_its_turn_gives_no_slot_back() -> None:
    async def scene() -> bool:
        slots = Slots(1)
        await slots.__aenter__()
        waiter = asyncio.create_task(slots.__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait({waiter})
        other = asyncio.create_task(slots.__aenter__())
        await asyncio.sleep(1)
        return other.done()

    assert not run(scene())


# -- points


async def taken(bucket: CostBucket, cost: float) -> float:
    began = now()
    await bucket.take(cost)
    return now() - began


def test_before_shopify_has_said_anything_its_standard_plan_is_taken_for_true() -> None:
    async def scene() -> list[object]:
        bucket = CostBucket(now_of_loop())
        await asyncio.sleep(7)
        more = bucket.take_now(2000.5)
        return [more, bucket.take_now(2000), bucket.wait_for(50), await taken(bucket, 50)]

    assert run(scene()) == [False, True, pytest.approx(0.5), pytest.approx(0.5)]


def test_points_come_back_with_the_time_since_they_were_counted() -> None:
    async def scene() -> float:
        await asyncio.sleep(1000)
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, 0, 50, 0)
        await asyncio.sleep(2)
        return bucket.wait_for(200)

    assert run(scene()) == pytest.approx(2.0)


def test_a_call_waits_to_the_moment_and_what_it_took_is_gone() -> None:
    async def scene() -> tuple[float, float, float]:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, 0, 100, 0)
        waited = await taken(bucket, 10)
        return waited, bucket.wait_for(10), await taken(bucket, 50)

    assert run(scene()) == exactly_each(0.1, 0.1, 0.5)


def test_who_comes_while_another_waits_for_points_brings_it_no_turn() -> None:
    async def scene() -> tuple[float, float]:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, 0, 100, 0)
        first = asyncio.create_task(taken(bucket, 10))
        await asyncio.sleep(0.095)
        second = asyncio.create_task(taken(bucket, 10))
        return await first, await second

    assert run(scene()) == exactly_each(0.1, 0.105)


def exactly_each(*times: float) -> object:
    return pytest.approx(times, abs=1e-6)


def test_who_leaves_before_its_turn_takes_no_points_and_gives_none() -> None:
    async def scene() -> tuple[float, float]:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, 0, 10, 0)
        leaving = asyncio.create_task(bucket.take(500))
        waiting = asyncio.create_task(taken(bucket, 20))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
        return bucket.wait_for(10), await waiting

    assert run(scene()) == exactly_each(1.0, 2.0)


def test_who_waits_for_points_is_woken_when_they_are_there_and_not_before() -> None:
    async def scene() -> int:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, 300, 50, 0)
        woken = 0
        inner = bucket._bucket
        serve = inner._serve

        def counted() -> None:
            nonlocal woken
            woken += 1
            serve()

        inner._serve = counted  # type: ignore[method-assign]
        lane.set(BACKLOG)
        await bucket.take(100)
        return woken

    assert run(scene()) <= 3


@pytest.mark.parametrize(
    ("which", "available", "free"),
    [(LIVE, 100, True), (BACKLOG, 349, False), (BACKLOG, 350, True)],
)
def test_the_backlog_takes_no_points_out_of_turn_from_the_sign_ups_quarter(
    which: Lane, available: float, free: bool
) -> None:
    async def scene() -> bool:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1000, available, 50, 0)
        lane.set(which)
        return bucket.take_now(100)

    assert run(scene()) is free


@pytest.mark.parametrize(("maximum", "restore"), [(0, 100), (1000, 0)])
def test_a_bucket_of_nothing_is_not_believed(maximum: float, restore: float) -> None:
    async def scene() -> bool:
        bucket = CostBucket(now_of_loop())
        bucket.learn(maximum, 0, restore, 0)
        return bucket.take_now(2000)

    assert run(scene())


def test_a_bucket_of_one_point_is_believed() -> None:
    async def scene() -> tuple[float, float]:
        bucket = CostBucket(now_of_loop())
        bucket.learn(1, 0, 1, 0)
        return bucket.wait_for(1), bucket.wait_for(3)

    assert run(scene()) == (1.0, 3.0)
