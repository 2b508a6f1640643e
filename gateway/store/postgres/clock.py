"""The time that gateways on one database share, and time that has passed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SharedClock", "elapsed"]

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
