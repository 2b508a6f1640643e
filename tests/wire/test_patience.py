"""An attempt's time, in virtual time: it stands still where only we ourselves keep it waiting."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from gateway.wire import PausableTimeout, RateLimit
from gateway.wire.cost_bucket import CostBucket
from gateway.wire.limits import Slots
from gateway.wire.pausable_timeout import own_pace
from tests.virtual_time import run

Wait = Callable[[], Awaitable[None]]


async def at_a_rate() -> None:
    limit = RateLimit(asyncio.get_running_loop().time, 1, 10.0)
    await limit.acquire()
    await limit.acquire()


async def at_the_points() -> None:
    bucket = CostBucket(asyncio.get_running_loop().time)
    bucket.learn(100, 0, 10, 0)
    await bucket.take(100)


async def at_the_slots() -> None:
    slots = Slots(1)

    async def somebody_else() -> None:
        async with slots:
            await asyncio.sleep(10)

    other = asyncio.create_task(somebody_else())
    await asyncio.sleep(0)
    async with slots:
        await other


async def at_two_at_once() -> None:
    await asyncio.gather(at_a_rate(), at_the_points(), at_the_slots())


ALL = pytest.mark.parametrize("wait", [at_a_rate, at_the_points, at_the_slots, at_two_at_once])


@ALL
def test_the_wait_for_a_limit_of_our_own_takes_no_time_of_an_attempt(wait: Wait) -> None:
    async def scene() -> float:
        with PausableTimeout(1.0):
            await asyncio.sleep(0.6)
            await wait()
            await asyncio.sleep(0.3)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(10.9, abs=0.6)


@ALL
def test_what_is_left_of_the_time_runs_on_after_the_wait(wait: Wait) -> None:
    async def scene() -> float:
        with pytest.raises(TimeoutError), PausableTimeout(1.0):
            await asyncio.sleep(0.6)
            await wait()
            await asyncio.sleep(100)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(11.0, abs=0.6)


def test_a_task_that_outlives_its_attempt_disturbs_nobody() -> None:
    async def scene() -> None:
        with PausableTimeout(1.0):
            limit = RateLimit(asyncio.get_running_loop().time, 1, 10.0)
            await limit.acquire()
            first = asyncio.create_task(limit.acquire())
            await asyncio.sleep(0)
        second = asyncio.create_task(at_the_points())
        await asyncio.gather(first, second)

    run(scene())


def test_one_that_is_cancelled_while_it_waits_is_cancelled() -> None:
    async def scene() -> None:
        async def attempt() -> None:
            with PausableTimeout(1.0):
                await at_a_rate()

        task = asyncio.create_task(attempt())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scene())


def test_a_time_limit_that_stood_still_leaves_nothing_to_the_collector() -> None:
    async def scene() -> None:
        with PausableTimeout(10.0), own_pace():
            await asyncio.sleep(0)

    def there() -> int:
        return sum(isinstance(one, PausableTimeout) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = there()
        run(scene())
        assert there() == before
    finally:
        gc.enable()
