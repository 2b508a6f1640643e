"""The moments at which a limit lets calls through, on a clock that stands still between them."""

import asyncio
from collections.abc import Callable

from gateway.wire import Lane

__all__ = ["BACKLOG", "LIVE", "now", "now_of_loop"]


def now() -> float:
    return asyncio.get_running_loop().time()


def now_of_loop() -> Callable[[], float]:
    return asyncio.get_running_loop().time


LIVE, BACKLOG = Lane.LIVE, Lane.BACKLOG
