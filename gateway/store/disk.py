"""How much the database takes, and how much its disk still holds."""

import asyncio
import shutil
import time
from pathlib import Path

__all__ = ["LEAST_FREE", "Disk", "space"]

LEAST_FREE = 256 * 1024 * 1024
"""Bytes reserved for live sign-ups and their deliveries."""
_FRESH = 1.0


class Disk:
    def __init__(self, file: Path) -> None:
        self._folder = file.absolute().parent
        self._room = True
        self._until = 0.0

    async def has_room(self) -> bool:
        """Whether there is room for what could also be refused. The disk is read once a second."""
        now = time.monotonic()
        if now >= self._until:
            self._until = now + _FRESH
            self._room = await asyncio.to_thread(self._free) >= LEAST_FREE
        return self._room

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:  # the write itself will say what is wrong
            return LEAST_FREE


def space(file: Path) -> tuple[int, int]:
    """Bytes of the file with its journal, and those that are free on its disk."""
    beside = (file, file.with_name(f"{file.name}-wal"))
    size = sum(each.stat().st_size for each in beside if each.exists())
    return size, shutil.disk_usage(file.absolute().parent).free
