"""A database that was put back to an older state: found out at a start, or said by a person.

`restore` marks a backup before it takes the database's place; this is for whatever else puts a
database back: the promotion of a replica that was behind, a dump, a snapshot of the machine.
"""

import logging
from collections.abc import Collection

from gateway.alerts import AlertSender, notices
from gateway.delivery import Runtime
from gateway.store.engine import Engine
from gateway.store.rewinding import Rewound

__all__ = ["PutBack"]

log = logging.getLogger("gateway")

_NOTED_EVERY = 10.0
"""Seconds: a promotion that was lived through is not taken for one that nobody saw."""


class PutBack:
    """`unrecognised`: channels that do not know a second delivery for the same."""

    def __init__(
        self,
        db: Engine,
        unrecognised: Collection[str],
        alerts: AlertSender,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._unrecognised = unrecognised
        self._alerts = alerts
        self._runtime = runtime

    async def take_over(self) -> None:
        """Before anything is taken up that the database believes to be owed."""
        reason = await self._db.put_back()
        if reason is None:
            await self._db.note_origin()
            return
        marked = await self.mark()
        log.error(
            "the database was put back to an older state: %s. What may have been done since is "
            "marked (%d mails, %d merges), see 'After a restore' in gateway/docs/operating.md",
            reason,
            marked.mails,
            marked.merges,
        )
        self._alerts.notice(notices.put_back(reason, marked.mails, marked.merges))

    def start(self) -> None:
        self._runtime.background.every(
            _NOTED_EVERY, self._db.note_origin, "writing down which database it is"
        )

    async def mark(self) -> Rewound:
        """What may have been done since is not done again by itself."""
        return await self._db.rewind(self._unrecognised, self._runtime.clock())
