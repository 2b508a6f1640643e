"""How much the disk of the database still holds."""

import asyncio
import shutil
import time
from pathlib import Path

__all__ = ["LEAST_FREE", "Disk"]

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
