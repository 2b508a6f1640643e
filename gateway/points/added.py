"""The fallback, SMAREGI_POINTS_BY=add: `point/add`, whose entry in the ledger bears no number.

An answer with the transactions' ids is the proof. After a lost one the ledger is looked through for
what fits: the member, the kind, the points and the time.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.channels.smaregi.ledger import ADDED, JST, TAKEN, Recorded
from gateway.points.expiry import expires_on
from gateway.points.history import MemberHistory
from gateway.points.rates import Rates
from gateway.store import Engine
from gateway.store.points import Movement, known

__all__ = ["AddedPoints"]

_BEFORE, _AFTER = 90.0, 220.0
"""Seconds around the sending: how long it may take, and how far both clocks may be apart."""


class Members(Protocol):
    async def add_points(
        self, member_id: str, points: int, expires: str | None = None
    ) -> list[str]: ...

    async def points(self, member_id: str) -> Mapping[str, Any] | None: ...


class AddedPoints:
    """`clock` is wall time, Unix seconds."""

    def __init__(
        self,
        db: Engine,
        members: Members,
        history: MemberHistory,
        rates: Rates,
        clock: Callable[[], float],
    ) -> None:
        self._db = db
        self._members = members
        self._history = history
        self._rates = rates
        self._clock = clock

    async def add(self, sent: Movement) -> str | None:
        """The transaction's id; None without proof. What is taken back prolongs nothing."""
        member_id = str(sent.member_id)
        expires = await self._expires(member_id) if sent.points > 0 else None
        heads = await self._members.add_points(member_id, sent.points, expires)
        return heads[0] if heads else None

    async def _expires(self, member_id: str) -> str | None:
        row = await self._members.points(member_id) or {}
        present = str(row.get("pointExpireDate") or "")[:10].replace("/", "-") or None
        today = datetime.fromtimestamp(self._clock(), UTC).astimezone(JST).date()
        return expires_on(await self._rates.store(), present, today)

    async def find(self, sent: Movement) -> list[Recorded] | None:
        """Those that may be it and are nothing else of ours; None if the member is gone."""
        division = ADDED if sent.points > 0 else TAKEN
        rows = await self._history.around(sent, _BEFORE, _AFTER, division)
        if rows is None:
            return None
        fitting = [row for row in rows if row.points == sent.points and not row.cancelled]
        ours = await self._db.read(
            lambda db: known.known_heads(db, [row.head_id for row in fitting])
        )
        return [row for row in fitting if row.head_id not in ours]
