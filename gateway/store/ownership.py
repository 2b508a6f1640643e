"""One process owns a SQLite file: an flock on a file beside it says so, and the kernel frees it
whenever the process dies.

The owner listens on a Unix socket beside the file. A process that finds the lock taken becomes its
client.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.errors import ConfigurationError
from gateway.store.files import refuse_links, unusable_folder

__all__ = ["OwnerLock", "lock_path", "socket_path"]

_SOCKET_LIMIT = 103
"""Bytes of a Unix socket's path, without the zero at its end (107 on Linux, 103 on macOS)."""


_OPENING = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def lock_path(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def socket_path(database: Path) -> Path:
    """Beside the file; as a path relative to the working directory if the full path is too long.

    ConfigurationError if that is too long as well.
    """
    full = database.with_name(database.name + ".sock").absolute()
    if len(os.fsencode(full)) <= _SOCKET_LIMIT:
        return full
    short = Path(os.path.relpath(full))
    if len(os.fsencode(short)) > _SOCKET_LIMIT:
        size = len(os.fsencode(full))
        problem = (
            f"GATEWAY_DATABASE_URL: the path of the socket {full.name[-40:]} beside it has {size} "
            f"bytes, and the system takes {_SOCKET_LIMIT}: use a shorter path, or start in the "
            "folder of the database"
        )
        raise ConfigurationError([problem])
    return short


class OwnerLock:
    """`acquire()` is true if this process now owns the database file."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = lock_path(database)
        self._fd: int | None = None

    def acquire(self) -> bool:
        refuse_links(self._database)
        socket_path(self._database)
        try:
            fd = os.open(self._path, _OPENING, 0o600)
        except OSError as error:
            raise ConfigurationError([unusable_folder(self._database, error)]) from None
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
