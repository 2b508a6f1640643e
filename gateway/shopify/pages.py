"""How many records a query asks for: fewer, once Shopify says that so many cost too much."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.shopify.client import TooDear

__all__ = ["PageSize"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class PageSize:
    """`what` names the records. It is logged once that Shopify wants smaller pages."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._allowed: int | None = None
        self._told = False

    async def ask(self, most: int, run: Callable[[int], Awaitable[T]]) -> T:
        """What `run(size)` answers: `most`, or the largest of its halves that Shopify allows.

        Raises UpstreamError; a TooDear only where one alone costs too much.
        """
        while True:
            size = min(most, self._allowed or most)
            try:
                answer = await run(size)
            except TooDear:
                if size == 1:
                    raise
                self._allowed = min(self._allowed or size, size // 2)
                continue
            self._tell(most)
            return answer

    def _tell(self, most: int) -> None:
        if self._allowed is not None and not self._told:
            log.warning(
                "Shopify refuses %d %s in one query (MAX_COST_EXCEEDED): %d at once from now on",
                most,
                self._what,
                self._allowed,
            )
            self._told = True
