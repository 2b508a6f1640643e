"""Sign-ups whose answer was a 503 because the database failed when all else was done."""

import sqlite3
from functools import partial

from gateway.background import Background, until_stored
from gateway.store import idempotency, registrations
from gateway.store.admission import AdmissionRequest, Begun
from gateway.store.engine import Engine

__all__ = ["Untold"]


class Untold:
    """Once the database takes writes again, the key is free, and of the sign-up nobody was told: so
    the same person may send it again, or other data in its place.
    """

    def __init__(self, db: Engine, background: Background) -> None:
        self._db = db
        self._background = background
        self._ids: dict[str, AdmissionRequest] = {}

    def add(self, begun: Begun, request: AdmissionRequest) -> None:
        """One that was begun before may have been told to somebody: only its key is freed."""
        if begun.verdict == "new":
            self._ids[begun.id] = request
        elif request.key is None:
            return
        work = until_stored(partial(self._write, begun.id, request))
        self._background.keep(work, "writing down that nobody was told")

    def joined(self, registration_id: str) -> None:
        """Somebody sends the same again, and may be told."""
        self._ids.pop(registration_id, None)

    async def settle(self, registration_id: str) -> None:
        """Before somebody acts on what is written down of it. Raises StorageError."""
        if (request := self._ids.get(registration_id)) is not None:
            await self._write(registration_id, request)

    async def _write(self, registration_id: str, request: AdmissionRequest) -> None:
        def unit(db: sqlite3.Connection) -> None:
            if request.key is not None:
                idempotency.free_key(db, request.key)
            if registration_id in self._ids:
                registrations.mark_untold(db, registration_id)

        await self._db.write(unit, request.keys)
        self._ids.pop(registration_id, None)
