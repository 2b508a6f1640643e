"""How many records a query asks for: fewer, once Shopify says that so many cost too much."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.shopify.client import TooDear

__all__ = ["PageSize"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class PageSize:
    """`what` is asked for, `most` at once. What a smaller page is named for is told once."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._size = most
        self._told = False

    async def ask(self, run: Callable[[int], Awaitable[T]]) -> T:
        """What `run(size)` answers, with the largest size that Shopify allows of those halved.

        Raises UpstreamError; a TooDear only where one alone costs too much.
        """
        while True:
            size = self._size
            try:
                answer = await run(size)
            except TooDear:
                if size == 1:
                    raise
                self._size = min(self._size, size // 2)
                continue
            self._tell()
            return answer

    def _tell(self) -> None:
        if self._size < self._most and not self._told:
            log.warning(
                "Shopify refuses %d %s in one query (MAX_COST_EXCEEDED): %d at once from now on",
                self._most,
                self._what,
                self._size,
            )
            self._told = True
