"""How trouble has to end: by itself, with everybody in every channel."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.world import World

__all__ = ["all_delivered", "eventually", "outcomes"]


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def outcomes(world: World) -> Counter[str]:
    return Counter(str(delivery.outcome) for delivery in await world.deliveries())


async def all_delivered(world: World, seconds: float = 30.0) -> None:
    """Until the worker, without a person's help, has delivered all that the outbox holds."""

    async def nothing_open() -> bool:
        return set(await outcomes(world)) == {"delivered"}

    try:
        await eventually(nothing_open, seconds)
    except TimeoutError:
        raise AssertionError(f"not everything was delivered: {await outcomes(world)}") from None
