"""One process owns a SQLite file: an flock beside it says who, the kernel frees it at any death.

The owner listens on a Unix socket beside the file; whoever finds the lock taken becomes its client.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.errors import ConfigurationError

__all__ = ["OwnerLock", "lock_path", "socket_path"]

_SOCKET_LIMIT = 100
"""Bytes of a Unix socket's path (108 on Linux, 104 on macOS)."""


def lock_path(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def socket_path(database: Path) -> Path:
    """Beside the file; as a path relative to the working directory where the whole is too long."""
    full = database.with_name(database.name + ".sock").absolute()
    if len(os.fsencode(full)) <= _SOCKET_LIMIT:
        return full
    return Path(os.path.relpath(full))


class OwnerLock:
    """`acquire()` is true if this process now owns the database file."""

    def __init__(self, database: Path) -> None:
        self._path = lock_path(database)
        self._fd: int | None = None

    def acquire(self) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise ConfigurationError(
                [f"GATEWAY_DATABASE_URL: its folder cannot be used ({reason})"]
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
