"""Housekeeping of the owner of the file: wipes bytes, and deletes what is old."""

import asyncio
import logging
import time
from collections.abc import Callable

from gateway.errors import StorageError
from gateway.store import Database, retention

__all__ = ["Housekeeping"]

log = logging.getLogger(__name__)

_WIPE_AFTER = 1.5
_RETENTION_EVERY = 3600.0


class Housekeeping:
    """`retention_days()` is GATEWAY_RETENTION_DAYS."""

    def __init__(self, db: Database, retention_days: Callable[[], float]) -> None:
        self._db = db
        self._retention_days = retention_days
        self._to_wipe = asyncio.Event()

    def intent_gone(self) -> None:
        """Within seconds the bytes of a wiped intent leave the journal too."""
        self._to_wipe.set()

    async def wipe(self) -> None:
        """Runs for ever."""
        while True:
            await self._to_wipe.wait()
            await asyncio.sleep(_WIPE_AFTER)
            self._to_wipe.clear()
            await self.empty_journal()

    async def empty_journal(self) -> None:
        try:
            await self._db.checkpoint()
        except StorageError as error:
            log.warning("the journal could not be emptied: %s (%s)", error, error.hint)

    async def expire(self) -> None:
        """Runs for ever."""
        while True:
            try:
                await self.expire_once()
            except StorageError as error:
                log.warning("old rows could not be deleted: %s (%s)", error, error.hint)
            await asyncio.sleep(_RETENTION_EVERY)

    async def expire_once(self) -> int:
        """Deletes what is older than GATEWAY_RETENTION_DAYS. Returns the number of rows."""
        now = time.time()
        before = now - self._retention_days() * 86400
        return await retention.expire(self._db.write, before, now)
