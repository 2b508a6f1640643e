"""Attempts that run at the same time, and which of them end together."""

import asyncio
from collections.abc import Collection

from gateway.store.outbox import AttemptResult

__all__ = ["Running"]

_TOGETHER = 0.01
"""Seconds that an outcome waits for others, to share one commit."""

_Attempt = asyncio.Task[AttemptResult]


class Running:
    """Wakes whoever waits once for all that end together; `asyncio.wait` would at the first."""

    def __init__(self, attempts: Collection[_Attempt], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = len(attempts)
        self._ended: list[_Attempt] = []
        self._timer: asyncio.TimerHandle | None = None  # while somebody waits
        self._woken: asyncio.Future[None]
        for attempt in attempts:
            attempt.add_done_callback(self._ends)

    async def ended_together(self, until: float) -> list[_Attempt]:
        """The next to end, and those that end with it; none if `until`, the event loop's time,
        comes before that.
        """
        self._woken = self._loop.create_future()
        self._timer = self._loop.call_at(until, self._wake)
        try:
            if self._ended:
                self._wait_for_others()
            await self._woken
        finally:
            self._timer.cancel()
            self._timer = None
        together, self._ended = self._ended, []
        return together

    def _ends(self, attempt: _Attempt) -> None:
        self._ended.append(attempt)
        self._left -= 1
        if len(self._ended) == 1 or not self._left:
            self._wait_for_others()

    def _wait_for_others(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        if self._left:
            self._timer = self._loop.call_later(_TOGETHER, self._wake)
        else:
            self._wake()

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)
