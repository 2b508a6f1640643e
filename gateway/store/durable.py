"""Files that are on the disk once they are said to be."""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["sync", "sync_folder", "write_new"]


def write_new(path: Path, lines: Iterable[str]) -> None:
    """For its owner alone. FileExistsError where there is one."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, "".join(f"{line}\n" for line in lines).encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(path)


def sync(path: Path) -> None:
    """What was written into this file, or the names in this folder."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """That a file of this name is there, or no more."""
    sync(path.parent)
