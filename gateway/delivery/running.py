"""Attempts that run at the same time, and which of them end together."""

import asyncio
from collections.abc import Iterable

from gateway.store.outbox import AttemptResult

__all__ = ["Running"]

_TOGETHER = 0.01
"""Seconds that an outcome waits for others, to share one commit."""

_Attempt = asyncio.Task[AttemptResult]
_has_ended = asyncio.Task[AttemptResult].done


class Running:
    """Wakes whoever waits once for all that end together; `asyncio.wait` would at the first."""

    def __init__(self, attempts: Iterable[_Attempt], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = list(attempts)
        self._woken: asyncio.Future[None] | None = None  # while somebody waits
        self._soon: asyncio.Handle | None = None  # while one that has ended waits for others
        for attempt in self._left:
            attempt.add_done_callback(self._ends)

    async def ended_together(self, until: float) -> list[_Attempt]:
        """The next to end, and those that end with it; none if `until`, the event loop's time,
        comes before that.
        """
        self._woken = self._loop.create_future()
        last = self._loop.call_at(until, self._wake)
        try:
            for attempt in self._left:
                if attempt.done():
                    self._ends(attempt)
            await self._woken
        finally:
            self._woken = None
            last.cancel()
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
        together, left = list[_Attempt](), list[_Attempt]()
        for attempt in self._left:
            (together if attempt.done() else left).append(attempt)
        self._left = left
        return together

    def _ends(self, attempt: _Attempt) -> None:
        """The loop tells of an end a turn later, when it may be known already."""
        if self._woken is None or attempt not in self._left:
            return
        if all(map(_has_ended, self._left)):
            self._wake()
        elif self._soon is None:  # a turn of a busy loop is no time that others had to end in
            self._soon = self._loop.call_soon(self._wait_for_others)

    def _wait_for_others(self) -> None:
        self._soon = self._loop.call_later(_TOGETHER, self._wake)

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
