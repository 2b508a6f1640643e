"""How long nobody is answered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import aiohttp

__all__ = ["Watch"]

_EVERY = 0.1
_PATIENCE = 5.0
_PATH = "/v1/registrations/00000000-0000-7000-8000-000000000000"
"""Of nobody: that is looked up in the database, and answered 404."""


class Watch:
    """It asks ten times a second, as somebody who is not on the list. `late`: by how many seconds
    at most, since the process that asks had no turn; what is told is no better than that.
    """

    def __init__(self, url: str) -> None:
        self._url = url + _PATH
        self._answered = [time.monotonic()]
        self.late = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            asking = asyncio.create_task(self._go_on(session))
            try:
                yield
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    def worst(self, since: float) -> float:
        """The longest that nobody was answered, in seconds, in a time that began `since`."""
        answered = [at for at in self._answered if at >= since]
        if not answered:
            return time.monotonic() - max(since, self._answered[-1])
        return max(b - a for a, b in pairwise([since, *answered]))

    async def _go_on(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._ask(session))
                due = time.monotonic() + _EVERY
                await asyncio.sleep(_EVERY)
                self.late = max(self.late, time.monotonic() - due)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with session.get(self._url, timeout=timeout) as response:
                if response.status == 404:
                    self._answered.append(time.monotonic())
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass
