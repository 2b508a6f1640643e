"""Many deliveries that wait, and the worker that sends them."""

import asyncio
from collections.abc import Sequence

from gateway.delivery import Wakes, Worker
from tests.delivery.heart import Heart, a_customer

__all__ = ["PEOPLE", "a_heart", "a_worker", "seconds", "working"]
PEOPLE = range(1, 121)


def a_heart(people: Sequence[int] = PEOPLE) -> Heart:
    return Heart(*(a_customer(number) for number in people))


def a_worker(heart: Heart, *, auto: bool = True) -> Worker:
    heart.auto_replay = auto
    return Worker(heart.db, heart.delivery, Wakes.of(heart.routes), heart.runtime)


async def seconds(number: float) -> None:
    await asyncio.sleep(number)


async def working(heart: Heart, worker: Worker, number: float = 0.5) -> None:
    worker.start()
    try:
        await seconds(number)
    finally:
        await worker.stop()
