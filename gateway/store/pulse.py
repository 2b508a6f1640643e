"""Whether the database does what it is asked, as everybody's work has it: known without asking."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import StorageError

__all__ = ["Pulse"]

_LONG_AGO = float("-inf")


class Pulse:
    """`failure`: of the last unit that the database could not do, until it has written another.
    `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failure: StorageError | None = None
        self._clock = clock
        self._waiting = 0
        self._moved = self._written = _LONG_AGO

    def asked(self) -> None:
        """A unit waits, or runs."""
        if not self._waiting:
            self._moved = self._clock()
        self._waiting += 1

    def given_up(self) -> None:
        """It waits no more, and did not run."""
        self._waiting -= 1

    def ended(self, result: object = None, *, wrote: bool) -> None:
        """With a result or an error; a unit's own error says nothing of the database."""
        self._waiting -= 1
        if isinstance(result, StorageError):
            self.failure = result
            return
        self._moved = self._clock()
        if wrote and not isinstance(result, BaseException):
            self._written, self.failure = self._moved, None

    @contextmanager
    def reading(self) -> Iterator[None]:
        error: StorageError | None = None
        self.asked()
        try:
            yield
        except StorageError as found:
            error = found
            raise
        finally:
            self.ended(error, wrote=False)

    @property
    def stalled(self) -> float:
        """Seconds in which something waited, and nothing was done."""
        return self._clock() - self._moved if self._waiting > 0 else 0.0

    def wrote_within(self, seconds: float) -> bool:
        """And nothing has failed since."""
        return self.failure is None and self._clock() - self._written <= seconds
