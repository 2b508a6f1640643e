"""The wall clock may be set: the times of what waits move along, before a time by the new clock is
written.

A clock that was set while no process ran is noticed as well: the database keeps how far it was
ahead of the time since the machine's start, and the next owner compares. After a move to another
machine, or a restart of this one, there is nothing to compare with.
"""

import asyncio
import logging
import math
import sqlite3
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from gateway.delivery.runtime import Live
from gateway.store import Engine, deferred, outbox
from gateway.store.members import get_meta, set_meta

__all__ = ["ClockJumps"]

log = logging.getLogger(__name__)

_JUMP = 5.0
"""Seconds by which the wall clock must differ from real time to count as having been set."""
_ALL = 2**62
_KEPT = "clock_offset"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class ClockJumps:
    """Call `follow` before you write a time at which something is due. Where several gateways share
    a database, its clock is theirs: nothing moves.
    """

    def __init__(self, db: Engine, live: Live) -> None:
        self._db = db
        self._live = live
        self._offset = live.clock() - time.monotonic()
        self._following = asyncio.Lock()
        self._by = 0.0  # seconds by which waiting times are being moved
        self._below: int | None = None  # deliveries below this id still have to be
        self._events_below: int | None = None
        self._registrations: deferred.Shift | None = None  # those that were answered 202
        self._before = 0.0  # webhooks that were put off later know the new clock

    async def take_over(self) -> None:
        """What a dead owner left waiting, by its clock. Raises StorageError."""
        if self._db.is_shared:
            return
        jump = self._offset - await self._db.read(self._last_offset)
        if abs(jump) >= _JUMP:
            log.warning("the wall clock was set by %.0f s meanwhile; what waits moves along", jump)
            await self._shift(jump)
        await self._db.write(self._keep)

    async def follow(self) -> bool:
        """Returns whether the clock was set. Raises StorageError: then the rest moves next time."""
        if self._db.is_shared:
            return False
        jump = self._live.clock() - time.monotonic() - self._offset
        if abs(jump) < _JUMP and not self._is_moving:
            self._offset += jump
            return False
        async with self._following:
            jump = self._live.clock() - time.monotonic() - self._offset
            await self._move()
            if abs(jump) < _JUMP:
                return False
            log.warning("the wall clock jumped by %.0f s; what waits moves along", jump)
            self._offset += jump
            await self._shift(jump)
        return True

    def ahead(self) -> float:
        """What a time by the clock of now is given with: see `since`."""
        return self._live.clock() - time.monotonic()

    def since(self, ahead: float) -> float:
        """By how much the clock was set since it was so far ahead."""
        jump = self.ahead() - ahead
        return jump if abs(jump) >= _JUMP and not self._db.is_shared else 0.0

    @property
    def _is_moving(self) -> bool:
        return not (
            self._below is None and self._events_below is None and self._registrations is None
        )

    async def _shift(self, jump: float) -> None:
        now = self._live.clock()
        self._by, self._below, self._events_below = jump, _ALL, _ALL
        self._registrations = deferred.Shift.by(jump, now)
        self._before = now - jump / 2 if jump > 0 else math.inf
        await self._move()

    async def _move(self) -> None:
        """Page by page; with the first it is known by which clock."""
        while self._below is not None:
            self._below = await self._db.write(partial(self._page, below=self._below))
        while self._registrations is not None:
            move = partial(deferred.shift, by=self._registrations)
            self._registrations = await self._db.write(move)
        while self._events_below is not None:
            events = partial(
                outbox.shift_events,
                seconds=self._by,
                below=self._events_below,
                before=self._before,
            )
            self._events_below = await self._db.write(events)

    def _page(self, db: sqlite3.Connection, below: int) -> int | None:
        if below == _ALL:
            self._keep(db)
        return outbox.shift(db, self._by, below)

    def _keep(self, db: sqlite3.Connection) -> None:
        set_meta(db, _KEPT, f"{_boot()} {self._offset!r}")

    def _last_offset(self, db: sqlite3.Connection) -> float:
        """The last owner's offset; that of now where it is not known."""
        boot, _, offset = (get_meta(db, _KEPT) or "").partition(" ")
        return float(offset) if boot and boot == _boot() else self._offset


def _boot() -> str:
    """Which start of the machine this is; empty where the system does not say (Linux does)."""
    with suppress(OSError):
        return _BOOT.read_text("ascii").strip()
    return ""
