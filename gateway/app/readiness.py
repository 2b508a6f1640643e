"""Whether this gateway can promise anything now: answered at once, however much waits for the
database.

A commit of the last second proves that it writes, whoever's it was. Where there is none, one is
made in its turn; if that is not soon, what is known of everybody else's units answers.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gateway.background import Background
from gateway.errors import StorageError
from gateway.store import Engine

__all__ = ["Readiness"]

_FRESH = 1.0
_PATIENCE = 0.5
"""Seconds that whoever asks waits at most."""
_DEAD = 5.0
"""Seconds without anything done, after which nobody is sent here."""


class Readiness:
    """`require_trust` as of `Edge`: whether another gateway may be active by now."""

    def __init__(
        self, db: Engine, require_trust: Callable[[], None], background: Background
    ) -> None:
        self._db = db
        self._require_trust = require_trust
        self._background = background
        self._proof: asyncio.Task[None] | None = None

    async def require(self) -> None:
        """StorageError with a hint."""
        self._require_trust()
        if self._db.pulse.wrote_within(_FRESH):
            return
        await self._proved_soon()
        if self._db.pulse.failure is not None:
            raise self._db.pulse.failure
        if self._db.pulse.stalled >= _DEAD:
            raise StorageError(
                f"the database has done nothing for {_DEAD:g} s",
                "see that the database answers; nothing accepted so far is lost",
            )

    async def _proved_soon(self) -> None:
        """One proof for all who ask meanwhile."""
        if self._proof is None or self._proof.done():
            self._proof = self._background.run(self._prove(), "proving the database")
        await asyncio.wait({self._proof}, timeout=_PATIENCE)

    async def _prove(self) -> None:
        with suppress(StorageError):  # the pulse has it
            await self._db.prove()
