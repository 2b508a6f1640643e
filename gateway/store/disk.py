"""How much a file takes, and how much its disk still holds."""

import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

__all__ = ["LEAST_FREE", "Disk", "left_for", "taken_by"]

LEAST_FREE = 256 * 1024 * 1024
"""Bytes reserved for live sign-ups and their deliveries."""
_FRESH = 1.0


class Disk:
    """`free`: as `Engine.free`."""

    def __init__(self, free: Callable[[], Awaitable[int | None]]) -> None:
        self._free = free
        self._room = True
        self._until = 0.0

    async def has_room(self) -> bool:
        """Whether there is room for what could also be refused. The disk is read once a second;
        where it cannot be seen, the write itself will say what is wrong.
        """
        now = time.monotonic()
        if now >= self._until:
            self._until = now + _FRESH
            free = await self._free()
            self._room = free is None or free >= LEAST_FREE
        return self._room


def taken_by(file: Path) -> int:
    """Bytes of the file with its journal."""
    beside = (file, file.with_name(f"{file.name}-wal"))
    return sum(each.stat().st_size for each in beside if each.exists())


def left_for(file: Path) -> int | None:
    """Bytes that are free on its disk."""
    try:
        return shutil.disk_usage(file.absolute().parent).free
    except OSError:
        return None
