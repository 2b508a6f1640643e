"""What Smaregi's ledger tells of one member around the moment at which a movement was sent."""

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.channels.smaregi.ledger import Recorded
from gateway.store.points import Movement

__all__ = ["MemberHistory"]


class Members(Protocol):
    async def by_id(self, member_id: str) -> Mapping[str, Any] | None: ...


class Ledger(Protocol):
    async def of_member(
        self, code: str, since: float, until: float, division: str | None = None
    ) -> list[Recorded]: ...


class MemberHistory:
    def __init__(self, members: Members, ledger: Ledger) -> None:
        self._members = members
        self._ledger = ledger

    async def around(
        self, sent: Movement, before: float, after: float, division: str | None = None
    ) -> list[Recorded] | None:
        """The transactions of its member that came to Smaregi from `before` seconds before it was
        sent until `after` seconds after it; None if the member is gone.
        """
        member = await self._members.by_id(str(sent.member_id))
        if member is None:
            return None
        at = sent.sent_at or sent.updated_at
        code = str(member.get("customerCode") or "")
        rows = await self._ledger.of_member(code, at - before, at + after, division)
        return [row for row in rows if row.member_id == sent.member_id]
