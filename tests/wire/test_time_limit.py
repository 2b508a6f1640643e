"""A limit of time ends what is inside as `asyncio.timeout` does, and nothing else; virtual time."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from gateway.wire import PausableTimeout
from gateway.wire.time_limit import TimeLimit
from tests.virtual_time import run

EACH = pytest.mark.parametrize("limit", [TimeLimit, PausableTimeout])
Limit = Callable[[float], TimeLimit]


def now() -> float:
    return asyncio.get_running_loop().time()


def cancellations() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


@EACH
def test_who_takes_longer_gets_a_timeout_then_and_may_go_on(limit: Limit) -> None:
    async def scene() -> None:
        with pytest.raises(TimeoutError), limit(2.0):
            await asyncio.sleep(10)
        assert now() == pytest.approx(2.0, abs=0.1)
        assert cancellations() == 0
        await asyncio.sleep(1)

    run(scene())


@EACH
def test_who_is_done_in_time_is_never_disturbed(limit: Limit) -> None:
    async def scene() -> None:
        with limit(2.0):
            await asyncio.sleep(1)
        await asyncio.sleep(10)

    run(scene())


@EACH
def test_an_error_from_within_stays_what_it_is(limit: Limit) -> None:
    async def scene() -> None:
        with pytest.raises(KeyError), limit(2.0):
            raise KeyError
        await asyncio.sleep(10)

    run(scene())


@EACH
def test_an_error_that_is_made_of_the_end_stays_too(limit: Limit) -> None:
    async def scene() -> None:
        with pytest.raises(KeyError), limit(2.0):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                raise KeyError from None
        assert cancellations() == 0

    run(scene())


@EACH
@pytest.mark.parametrize("after", [1.0, 2.0], ids=["before it is over", "in the same moment"])
def test_who_is_cancelled_from_outside_is_cancelled(limit: Limit, after: float) -> None:
    async def inside() -> None:
        with limit(2.0):
            await asyncio.sleep(10)

    async def scene() -> None:
        task = asyncio.create_task(inside())
        asyncio.get_running_loop().call_later(after, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scene())


@EACH
def test_of_two_limits_the_one_that_is_over_ends(limit: Limit) -> None:
    async def scene() -> None:
        with limit(5.0):
            with pytest.raises(TimeoutError), limit(1.0):
                await asyncio.sleep(10)
            await asyncio.sleep(1)
        with pytest.raises(TimeoutError), limit(1.0):
            with limit(5.0):
                await asyncio.sleep(10)
            pytest.fail("the inner one's time was not over")

    run(scene())


@EACH
def test_a_limit_that_is_over_before_it_begins_ends_the_first_wait(limit: Limit) -> None:
    async def scene() -> None:
        with pytest.raises(TimeoutError), limit(-1.0):
            await asyncio.sleep(10)
        assert now() < 0.1

    run(scene())


@EACH
def test_each_of_many_is_over_in_its_own_time(limit: Limit) -> None:
    """However they come, and though some are left before: one timer serves them all."""
    over: list[tuple[float, float]] = []

    async def one(begins: float, lasts: float, leaves: float) -> None:
        await asyncio.sleep(begins)
        try:
            with limit(lasts):
                await asyncio.sleep(leaves)
        except TimeoutError:
            over.append((round(begins + lasts, 1), round(now(), 1)))

    async def scene() -> None:
        lasting = [(n % 7, 1 + n * 5 % 11, 0.5 if n % 3 else 99) for n in range(60)]
        await asyncio.gather(*(one(*each) for each in lasting))

    run(scene())
    assert len(over) == 20
    assert (
        [due for due, _ in over] == [ended for _, ended in over] == sorted(due for due, _ in over)
    )


@EACH
def test_the_timer_is_let_go_with_the_last(limit: Limit) -> None:
    """Else a gateway that is at rest would be woken for nobody."""

    async def scene() -> None:
        loop: Any = asyncio.get_running_loop()

        def timers() -> int:
            return sum(not handle.cancelled() for handle in loop._scheduled)

        with limit(60.0):
            for _ in range(3):
                with limit(5.0):
                    assert timers() == 1
            assert timers() == 1
        assert timers() == 0

    run(scene())


def test_whoever_set_the_timer_is_not_held_by_it() -> None:
    """The timer of a limit that is over soon outlives it where others run."""
    held: ContextVar[object] = ContextVar("held")

    async def scene() -> None:
        loop: Any = asyncio.get_running_loop()
        held.set(object())
        with TimeLimit(5.0):
            (timer,) = loop._scheduled
            assert held not in timer._context

    run(scene())
