"""A thousand equal warnings are two lines: the first at once, the number of the others later."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["WINDOW", "Repeats"]

WINDOW = 60.0
"""Seconds for which equal warnings are counted."""
_MOST = 1000
"""Different warnings that are remembered at the same time; any more are logged each time."""

_Key = tuple[object, ...]


class Timer(Protocol):
    def cancel(self) -> None: ...


def _later(seconds: float, call: Callable[[], None]) -> Timer:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


@dataclass(slots=True)
class _Told:
    record: logging.LogRecord
    at: float
    more: int = 0


class Repeats:
    """`tell(record, more, seconds)`: the record came so many times more in so many seconds.

    The caller holds a lock around `is_new`; `sum_up` is called by the timer, which takes it itself.
    """

    def __init__(
        self,
        tell: Callable[[logging.LogRecord, int, float], None],
        sum_up: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Timer] = _later,
    ) -> None:
        self._tell = tell
        self._when_over = sum_up
        self._clock = clock
        self._later = later
        self._told: dict[_Key, _Told] = {}
        self._timer: Timer | None = None

    def is_new(self, record: logging.LogRecord) -> bool:
        """Whether it is to be logged now; if not, it is counted."""
        key, now = _key(record), self._clock()
        known = self._told.get(key)
        if known is not None and (known.more or now - known.at < WINDOW):
            known.more += 1
            self._wait(WINDOW - (now - known.at))
            return False
        if len(self._told) >= _MOST:
            self._forget(now)
        if len(self._told) < _MOST:
            self._told[key] = _Told(record, now)
        return True

    def sum_up(self, *, at_once: bool = False) -> None:
        """Tells what was counted in the window that is over; `at_once`: all of it."""
        self._stop_waiting()
        now = self._clock()
        for known in self._told.values():
            if known.more and (at_once or now - known.at >= WINDOW):
                self._tell(known.record, known.more, now - known.at)
                known.at, known.more = now, 0
        self._forget(now)
        due = [known.at + WINDOW - now for known in self._told.values() if known.more]
        if due:
            self._wait(min(due))

    def _forget(self, now: float) -> None:
        over = [k for k, known in self._told.items() if not known.more and now - known.at >= WINDOW]
        for key in over:
            del self._told[key]

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._later(max(0.0, seconds), self._when_over)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _key(record: logging.LogRecord) -> _Key:
    """The same words from the same place; of an exception also where it was raised."""
    return (record.name, record.levelno, record.getMessage(), *_raised(record))


def _raised(record: logging.LogRecord) -> _Key:
    kind, _, trace = record.exc_info or (None, None, None)
    if trace is None:
        return (kind,)
    while trace.tb_next is not None:
        trace = trace.tb_next
    return kind, trace.tb_frame.f_code.co_filename, trace.tb_lineno
