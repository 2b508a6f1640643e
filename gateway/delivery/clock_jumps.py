"""When the wall clock is set, the times of waiting deliveries move with it, before any time of the
new clock is written.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial

from gateway.store import Database, outbox

__all__ = ["Jumps"]

log = logging.getLogger(__name__)

_JUMP = 5.0
"""Seconds by which the wall clock must differ from real time to count as having been set."""
_ALL = 2**62


class Jumps:
    """`clock` is wall time. Call `follow` before you write when something is due."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock
        self._offset = clock() - time.monotonic()
        self._following = asyncio.Lock()
        self._by = 0.0  # what waits is being moved by so much, and is still to be below this id
        self._below: int | None = None

    async def follow(self) -> bool:
        """Returns whether the clock was set. Raises StorageError: then the rest moves next time."""
        jump = self._clock() - time.monotonic() - self._offset
        if abs(jump) < _JUMP and self._below is None:
            self._offset += jump
            return False
        async with self._following:
            jump = self._clock() - time.monotonic() - self._offset
            await self._move()
            if abs(jump) < _JUMP:
                return False
            log.warning("the wall clock jumped by %.0f s; what waits moves along", jump)
            self._offset += jump
            self._by, self._below = jump, _ALL
            await self._move()
        return True

    async def _move(self) -> None:
        """Page by page; webhooks with the first."""
        while self._below is not None:
            unit = partial(_shift, seconds=self._by, below=self._below)
            self._below = await self._db.write(unit)


def _shift(db: sqlite3.Connection, seconds: float, below: int) -> int | None:
    if below == _ALL:
        outbox.shift_events(db, seconds)
    return outbox.shift(db, seconds, below)
