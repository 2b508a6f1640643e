"""Housekeeping of the owner of the file: wipes bytes, and deletes what is old."""

import asyncio
import logging

from gateway.background import WOKEN
from gateway.delivery import Runtime
from gateway.errors import StorageError
from gateway.store import Engine, retention

__all__ = ["Housekeeping"]

log = logging.getLogger(__name__)

_WIPE_AFTER = 1.5
_RETENTION_EVERY = 3600.0


class Housekeeping:
    """`journal` is set when the bytes of a wiped intent have to leave the journal too."""

    def __init__(self, db: Engine, journal: asyncio.Event, runtime: Runtime) -> None:
        self._db = db
        self._journal = journal
        self._runtime = runtime

    def start(self) -> None:
        keep = self._runtime.background
        keep.go_round(self._wipe, "wiping the journal", self._journal, first=WOKEN)
        keep.go_round(self._expire, "deleting what is old")

    async def _wipe(self) -> None:
        """Together with what goes in the next moment."""
        await asyncio.sleep(_WIPE_AFTER)
        self._journal.clear()
        await self.empty_journal()
        return WOKEN

    async def empty_journal(self) -> None:
        try:
            await self._db.checkpoint()
        except StorageError as error:
            log.warning("the journal could not be emptied: %s (%s)", error, error.hint)

    async def _expire(self) -> float:
        try:
            await self.expire_once()
        except StorageError as error:
            log.warning("old rows could not be deleted: %s (%s)", error, error.hint)
        return _RETENTION_EVERY

    async def expire_once(self) -> int:
        """Deletes what is older than GATEWAY_RETENTION_DAYS. Returns the number of rows."""
        now = self._runtime.clock()
        before = now - self._runtime.policy.retention_days * 86400
        return await retention.expire(self._db.write, before, now)
