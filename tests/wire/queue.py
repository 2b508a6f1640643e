"""People who ask Shopify's bucket of cost points, on a virtual clock."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from gateway.wire import in_line
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
