"""Limits to the moment: when exactly each call goes, and what each number of theirs means."""

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.wire import Lane, RateLimit, lane
from tests.virtual_time import run
from tests.wire.moments import BACKLOG, LIVE, now, now_of_loop

SPAN = 1.05
"""Seconds for which a call of a limit a second counts."""


async def moments(limit: RateLimit, *lanes: Lane) -> list[float]:
    """When calls that ask at the same time go, from now on, in the order of the asking."""
    began, passed = now(), dict[int, float]()

    async def one(number: int, which: Lane) -> None:
        lane.set(which)
        await limit.acquire()
        passed[number] = now() - began

    async with asyncio.TaskGroup() as group:
        for number, which in enumerate(lanes):
            group.create_task(one(number, which))
            await asyncio.sleep(0)
    return [passed[number] for number in range(len(lanes))]


def a_limit(per_period: float, period: float = 1.0, idle: float = 100.0) -> Awaitable[RateLimit]:
    async def made() -> RateLimit:
        limit = RateLimit(now_of_loop(), per_period, period)
        await asyncio.sleep(idle)
        return limit

    return made()


def exactly(*times: float) -> object:
    return pytest.approx(list(times), abs=1e-6)


def test_what_a_process_before_us_may_have_sent_is_taken_for_an_even_use_of_all() -> None:
    async def scene() -> list[float]:
        return await moments(await a_limit(4, idle=0), *[LIVE] * 6)

    assert run(scene()) == exactly(*(SPAN / 4 * number for number in range(6)))


def test_sign_ups_take_all_that_is_free_at_once_and_then_wait_for_the_oldest_to_count_no_more() -> (
    None
):
    async def scene() -> list[float]:
        return await moments(await a_limit(3), *[LIVE] * 5)

    assert run(scene()) == exactly(0, 0, 0, SPAN, SPAN)


def test_the_backlog_keeps_an_even_distance_from_its_first_call_on() -> None:
    async def scene() -> tuple[list[float], list[float]]:
        limit = await a_limit(10)
        one_by_one = []
        began = now()
        lane.set(BACKLOG)
        for _ in range(3):
            await limit.acquire()
            one_by_one.append(now() - began)
        await asyncio.sleep(50)
        return one_by_one, await moments(limit, *[BACKLOG] * 3)

    gap, late = SPAN / 10, SPAN / 20
    one_by_one, together = run(scene())
    assert one_by_one == exactly(0, gap - late, 2 * gap - late)
    assert together == exactly(0, gap - late, 2 * gap - late), (
        "a turn that comes late by a moment does not put off those after it"
    )


def test_the_backlogs_first_call_ever_need_not_wait() -> None:
    async def scene() -> list[float]:
        return await moments(await a_limit(10, idle=0), BACKLOG)

    assert run(scene()) == exactly(0)


def test_the_backlogs_distance_is_no_business_of_a_sign_up() -> None:
    async def scene() -> list[float]:
        return await moments(await a_limit(10), BACKLOG, LIVE, BACKLOG, LIVE)

    assert run(scene()) == exactly(0, 0, SPAN / 10 - SPAN / 20, 0)


def test_the_backlog_leaves_three_of_two_hundred_calls_to_sign_ups() -> None:
    async def scene() -> tuple[list[float], list[float]]:
        limit = await a_limit(200)
        distance = await moments(limit, *[BACKLOG] * 60)
        await asyncio.sleep(50)
        await moments(limit, *[LIVE] * 197)
        return distance, await moments(limit, BACKLOG, LIVE)

    distance, beside = run(scene())
    assert distance[-1] - distance[-2] == pytest.approx(SPAN / 197, abs=1e-9)
    assert beside == exactly(SPAN, 0)


@pytest.mark.parametrize(
    ("per_period", "period", "calls", "span"),
    [
        (200, 1.0, 200, SPAN),
        (1, 1.0, 1, SPAN),
        (1.5, 1.0, 1, SPAN),
        (0.5, 1.0, 1, 2 * SPAN),
        (100, 10.0, 100, 10 * SPAN),
    ],
)
def test_a_limit_below_one_call_is_one_call_in_a_longer_time(
    per_period: float, period: float, calls: int, span: float
) -> None:
    async def scene() -> tuple[int, float]:
        return (await a_limit(per_period, period))._windows[LIVE]

    found = run(scene())
    assert found[0] == calls
    assert found[1] == pytest.approx(span)


def test_what_the_upstream_says_it_allows_counts_from_now_on() -> None:
    async def scene() -> list[float]:
        limit = await a_limit(10)
        limit.allow(2, 10.0)
        return await moments(limit, *[LIVE] * 3)

    assert run(scene()) == exactly(0, 0, 10 * SPAN)


def test_who_comes_when_anothers_turn_has_just_come_does_not_overtake() -> None:
    async def scene() -> list[str]:
        limit = await a_limit(1)
        await limit.acquire()
        order: list[str] = []

        async def one(name: str) -> None:
            await limit.acquire()
            order.append(name)

        first = asyncio.create_task(one("first"))
        await asyncio.sleep(0)
        assert limit._timer is not None
        limit._timer.cancel()
        await asyncio.sleep(5)
        second = asyncio.create_task(one("second"))
        await asyncio.wait({first, second})
        return order

    assert run(scene()) == ["first", "second"]


def test_a_pause_that_was_asked_for_is_kept_up_to_two_seconds() -> None:
    async def scene() -> tuple[list[float], list[float]]:
        limit = await a_limit(10)
        limit.throttled(1.25)
        limit.throttled(0.5)
        short = await moments(limit, LIVE)
        await asyncio.sleep(100)
        limit.throttled(60.0)
        return short, await moments(limit, LIVE)

    assert run(scene()) == (exactly(1.25), exactly(2.0))


@pytest.mark.parametrize(
    ("calm", "share"), [(0, 0.5), (4.5, 0.5), (5, 0.6), (9.5, 0.6), (10, 0.7), (24, 0.9)]
)
def test_a_tenth_of_the_full_rate_comes_back_every_five_calm_seconds(
    calm: float, share: float
) -> None:
    async def scene() -> list[float]:
        limit = await a_limit(100)
        limit.throttled(None)
        await asyncio.sleep(calm)
        return await moments(limit, *[LIVE] * 20)

    gap = SPAN / 100 / share
    found = run(scene())
    assert found[-1] - found[-2] == pytest.approx(gap, abs=1e-6)


def test_the_full_rate_is_all_that_comes_back() -> None:
    async def scene() -> float:
        limit = await a_limit(100)
        limit.throttled(None)
        await asyncio.sleep(60)
        await limit.acquire()
        return limit._share

    assert run(scene()) == 1.0


def test_trouble_after_trouble_leaves_a_thirty_second_of_the_rate() -> None:
    async def scene() -> list[float]:
        limit = await a_limit(100)
        for _ in range(10):
            limit.throttled(None)
        return await moments(limit, *[LIVE] * 3)

    found = run(scene())
    assert found[2] - found[1] == pytest.approx(SPAN / 100 * 32, abs=1e-6)
