"""The time that gateways on one database share, and time that has passed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SharedClock", "Unchanged", "elapsed"]

_ASLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds, which nobody sets; where the system knows it (Linux), those that it slept count."""
    return time.clock_gettime(_ASLEEP)


@dataclass(slots=True)
class SharedClock:
    """The database's clock, from what it said last. This machine's own is never asked."""

    elapsed: Callable[[], float] = elapsed
    _ahead: float | None = None

    def heard(self, before: float, after: float, at: float) -> None:
        """It was `at` (Unix seconds) at some moment between two of `elapsed()`. What is known so
        far stays as it is where that is possible, so a slow answer moves nothing.
        """
        known = at - after if self._ahead is None else self._ahead
        self._ahead = min(max(known, at - after), at - before)

    def now(self) -> float:
        """Unix seconds; nothing was asked before the first answer."""
        return self.elapsed() + (self._ahead or 0.0)


class Unchanged:
    """How long something has been the same, in looks without a longer gap than `gap` seconds."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._found: object = None
        self._since = self._last = 0.0

    def seen(self, before: float, after: float, found: object) -> float:
        """Seconds, by one more look that was asked for and answered then."""
        if found != self._found or before - self._last > self._gap:
            self._found, self._since = found, after
        self._last = after
        return before - self._since
