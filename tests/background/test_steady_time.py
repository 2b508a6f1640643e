"""The loop of the tests: a stall of the machine is nobody's delay, and a real wait still counts."""

import asyncio
import time

import pytest

from tests.steady_time import SteadyLoop


async def test_a_time_limit_does_not_end_by_a_stall() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(0.1):
        time.sleep(0.15)
        await asyncio.sleep(0)
    assert loop.time() - began < 0.1


async def test_what_waits_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 0.1


async def test_what_the_loop_works_takes_time() -> None:
    loop = asyncio.get_running_loop()
    began, worked = loop.time(), time.thread_time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            while True:
                await asyncio.sleep(0)
    assert loop.time() - began >= 0.1
    assert time.thread_time() - worked > 0.05


async def test_it_is_the_loop_of_every_test() -> None:
    assert isinstance(asyncio.get_running_loop(), SteadyLoop)
