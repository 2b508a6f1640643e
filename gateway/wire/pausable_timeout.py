"""How long an attempt may take, not counting the time that it waits for a limit of our own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType

from gateway.wire.time_limit import TimeLimit

__all__ = ["PausableTimeout", "own_pace"]

_patience: ContextVar["PausableTimeout | None"] = ContextVar("patience", default=None)


class PausableTimeout(TimeLimit):
    """`with PausableTimeout(seconds)`: a TimeoutError after these; inside `own_pace()`, also in
    tasks begun in it, the time stands still.
    """

    __slots__ = ("_has_left", "_token", "_waiting")

    _has_left: bool
    _token: "Token[PausableTimeout | None]"
    _waiting: int

    def __enter__(self) -> None:
        super().__enter__()
        self._waiting, self._has_left = 0, False
        self._token = _patience.set(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._has_left = True  # of a task that outlives it, nothing is measured
        _patience.reset(self._token)
        super().__exit__(kind, error, trace)

    def stop(self) -> None:
        self._waiting += 1
        if self._waiting == 1 and self._is_running():
            self._left = self._alarm.left(self)
            self._alarm.remove(self)

    def go_on(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self._is_running():
            self._alarm.add(self, self._left)

    def _is_running(self) -> bool:
        return not (self._has_left or self._is_over)


@contextmanager
def own_pace() -> Iterator[None]:
    """No time-out runs inside: nobody was called yet."""
    patience = _patience.get()
    if patience is None:
        yield
        return
    patience.stop()
    try:
        yield
    finally:
        patience.go_on()
