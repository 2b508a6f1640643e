"""How fast a replay goes: by its rate, or so many at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.channels import Done, Work
from gateway.delivery import ReplayOptions
from tests.delivery.heart import Heart, a_customer
from tests.delivery.test_replaying import PEOPLE, failed, replayed
from tests.virtual_time import run


def in_virtual_time(scene: Coroutine[Any, Any, Any], patch: pytest.MonkeyPatch) -> Any:
    async def with_its_clock() -> Any:
        loop = asyncio.get_running_loop()
        patch.setattr("gateway.delivery.replay.time.monotonic", lambda: 1000 + loop.time())
        return await scene

    return run(with_its_clock())


def begins(heart: Heart, seconds: float) -> list[float]:
    times: list[float] = []

    async def takes(work: Work) -> Done:
        times.append(round(asyncio.get_running_loop().time(), 6))
        await asyncio.sleep(seconds)
        return Done("created", f"r{work.customer.id}")

    heart.channels["crm"].ends = [takes] * 100
    return times


def test_at_most_so_many_are_begun_a_second_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> list[float]:
        heart = Heart(*(a_customer(number) for number in PEOPLE))
        for number in range(1, 5):
            failed(heart, number)
        times = begins(heart, 0.0)
        await replayed(heart, ReplayOptions(rate=4.0))
        return times

    assert in_virtual_time(scene(), monkeypatch) == [0.0, 0.25, 0.5, 0.75]


def test_without_a_rate_so_many_go_at_once_as_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> tuple[list[float], list[float], list[float]]:
        found = []
        for concurrency in (3, 0, 8):
            heart = Heart(*(a_customer(number) for number in PEOPLE))
            for number in range(1, 10):
                failed(heart, number)
            times, began = begins(heart, 1.0), asyncio.get_running_loop().time()
            options = (
                ReplayOptions() if concurrency == 8 else ReplayOptions(concurrency=concurrency)
            )
            await replayed(heart, options)
            found.append([round(time - began) * 1.0 for time in times])
        return found[0], found[1], found[2]

    three, one, eight = in_virtual_time(scene(), monkeypatch)
    assert three == [0.0] * 3 + [1.0] * 3 + [2.0] * 3
    assert one == [float(second) for second in range(9)]
    assert eight == [0.0] * 8 + [1.0]
