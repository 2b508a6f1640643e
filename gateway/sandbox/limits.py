"""A limit of requests in a sliding window of time, as Smaregi and HubSpot count."""

import time
from collections import deque
from collections.abc import Callable


class Window:
    """At most `limit` requests in any `seconds`; None counts without limiting.

    `peak` is the highest number of requests seen in one window, the refused ones included.
    """

    def __init__(
        self,
        limit: int | None,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self.peak = 0
        self._clock = clock
        self._asked: deque[float] = deque()
        self._admitted: deque[float] = deque()

    def admit(self) -> bool:
        """Counts one request; False when it is one too many."""
        now = self._clock()
        self._slide(now)
        self._asked.append(now)
        self.peak = max(self.peak, len(self._asked))
        if self.limit is not None and len(self._admitted) >= self.limit:
            return False
        self._admitted.append(now)
        return True

    def remaining(self) -> int:
        """Requests that the window still admits; 0 without a limit is never reached."""
        self._slide(self._clock())
        limit = 1_000_000 if self.limit is None else self.limit
        return max(0, limit - len(self._admitted))

    def reset(self) -> None:
        self.peak = 0
        self._asked.clear()
        self._admitted.clear()

    def _slide(self, now: float) -> None:
        for times in (self._asked, self._admitted):
            while times and times[0] <= now - self.seconds:
                times.popleft()
