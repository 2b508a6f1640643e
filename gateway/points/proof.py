"""Whether posted transactions move points in this contract at all: nobody's public code shows it.

Until one movement was seen to change the balance by exactly its points, one is sent at a time. If
the first one is in the ledger and the balance stays as it was, everything stops and a person is
told. Points that a till moved at the same moment say nothing: then the next movement is watched.
"""

import sqlite3

from gateway.store import Engine
from gateway.store.members import get_meta, set_meta
from gateway.store.points import Movement, movements

__all__ = ["Proof"]

_PROVEN, _STOPPED = "points_proven", "points_stopped"
STOPPED = (
    "Smaregi has the transaction of the first movement, and the balance did not change: posted "
    "transactions move no points in this contract. Nothing more is sent. Set "
    "SMAREGI_POINTS_BY=add, then run `points settle {} --void`"
)


class Proof:
    """What is known of the way `transaction`; the other one proves each movement by itself."""

    def __init__(self, db: Engine) -> None:
        self._db = db

    async def is_proven(self) -> bool:
        return await self._db.read(lambda db: get_meta(db, _PROVEN) == "1")

    async def stopped(self) -> str | None:
        """Why nothing is sent any more."""
        return await self._db.read(lambda db: get_meta(db, _STOPPED) or None)

    async def proven(self) -> None:
        await self._db.write(lambda db: set_meta(db, _PROVEN, "1"))

    async def stop(self, one: Movement, now: float) -> str:
        text = STOPPED.format(one.id)

        def unit(db: sqlite3.Connection) -> None:
            movements.settle(db, one.id, "stuck", now, message=text)
            set_meta(db, _STOPPED, text)

        await self._db.write(unit)
        return text

    @staticmethod
    def go_on(db: sqlite3.Connection) -> None:
        """A person has settled it: the next movement is watched anew."""
        set_meta(db, _STOPPED, "")
