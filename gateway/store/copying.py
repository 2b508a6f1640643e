"""An online copy of the database, a few pages at a time, by SQLite's backup API.

The connection copies itself: what it writes meanwhile goes into the copy too, and a second one on
the file, which might meet a checkpoint, is never opened. All its units run between two steps, so
none waits longer than one step takes.
"""

import sqlite3
import time
from asyncio import shield, wrap_future
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from gateway.errors import StorageError

__all__ = ["CopyEnded", "PagedCopy", "not_written"]

T = TypeVar("T")

_PAGES = 32
"""128 KiB a step: some 0.2 ms, and 13 ms where the disk writes 10 MB a second."""
_SHARE = 3
"""A step is followed by so many times its own time for others."""


class CopyEnded(Exception):  # noqa: N818 - nobody wants it any more
    """The copy was told to end."""


class PagedCopy:
    """One copy to `draft`, an absolute path. It is whole once `make` returns,
    but not yet on disk.
    """

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        self._units: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._ended = False
        self._began = 0.0
        self.done, self.pages = 0, 0

    def end(self) -> None:
        """At the next step."""
        self._ended = True

    async def run(self, unit: Callable[[sqlite3.Connection], T], source: sqlite3.Connection) -> T:
        """A unit of somebody else's, between two steps; as a whole, even if its caller is
        cancelled.
        """
        result: Future[T] = Future()
        self._units.put((result, lambda: unit(source)))
        return await shield(wrap_future(result))

    def make(self, source: sqlite3.Connection) -> None:
        """In the connection's own thread. Raises StorageError, and CopyEnded; then no draft is
        left.
        """
        try:
            self._draft.unlink(missing_ok=True)  # of one that was killed
            self._draft.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(self._draft, isolation_level=None)) as target:
                # Whoever wants it has it synced at the end, where nobody waits for that.
                target.execute("PRAGMA journal_mode = OFF")
                target.execute("PRAGMA synchronous = OFF")
                self._began = time.monotonic()
                source.backup(target, pages=_PAGES, progress=self._between, sleep=0.01)
        except BaseException as error:
            self._draft.unlink(missing_ok=True)
            if isinstance(error, sqlite3.Error | OSError):
                raise not_written(self._draft, error) from None
            raise

    def rest(self, source: sqlite3.Connection) -> None:  # noqa: ARG002 - a unit
        """What came after the last step."""
        while self._next(0.0):
            pass

    def _between(self, status: int, remaining: int, pages: int) -> None:  # noqa: ARG002
        self.done, self.pages = pages - remaining, pages
        now = time.monotonic()
        until = now + _SHARE * (now - self._began)
        while (left := until - time.monotonic()) > 0 and not self._ended:
            self._next(left)
        if self._ended:
            raise CopyEnded
        self._began = time.monotonic()

    def _next(self, seconds: float) -> bool:
        """Runs one unit, if one comes within that time."""
        try:
            result, work = self._units.get(timeout=seconds) if seconds else self._units.get_nowait()
        except Empty:
            return False
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - its caller is told
            result.set_exception(error)
        return True


def not_written(path: Path, error: Exception) -> StorageError:
    """A file of a backup that could not be written, with what to do about it."""
    reason = str(getattr(error, "strerror", None) or error)
    if "full" in reason or "No space" in reason:
        hint = f"free some space on the disk of {path.absolute().parent}, or choose another folder"
    else:
        folder = path.absolute().parent
        hint = f"{folder} must be there, and writable for the user and the unit of the gateway"
    return StorageError(f"{path.name} could not be written ({reason})", hint)
