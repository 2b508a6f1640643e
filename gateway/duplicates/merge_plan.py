"""Two members that a person wants to make one: both as they are now, and which of them survives.

Live data, shown to the person who asked; nothing of it is stored.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway import frozen
from gateway.channels.smaregi import Smaregi
from gateway.errors import CommandRefused
from gateway.matching import preference

__all__ = ["MemberPair", "PairMember", "Plan", "member_pair"]

_STATUS = {
    "1": "is suspended (status 1): lift that in Smaregi first, or let the other survive",
    "3": "has left (status 3, withdrawn)",
    "4": "was merged into another before (status 4)",
}


@frozen
class PairMember:
    """`row` as Smaregi has it; `points` its balance; `customer_id`: its online customer, if any."""

    member_id: int
    row: Mapping[str, Any]
    points: int
    customer_id: int | None

    @property
    def status(self) -> str:
        return str(self.row.get("status") or "0")

    @property
    def preference(self) -> tuple[int, int, int]:
        return preference(str(self.row.get("lastComeDateTime") or ""), self.points, self.member_id)


@frozen
class Plan:
    """What a merge would do. `why` the survivor survives, in words.

    `moves_link`: whose link and number go from the absorbed to the survivor.
    """

    survivor: PairMember
    absorbed: PairMember
    why: str
    moves_link: int | None


@frozen
class MemberPair:
    one: PairMember
    other: PairMember

    def plan(self, survivor_id: int | None) -> Plan:
        """Raises Refused if they cannot be merged, or not like this."""
        self._refuse()
        survivor, why = self._survivor(survivor_id)
        absorbed = self.other if survivor is self.one else self.one
        if survivor.status in _STATUS:
            raise CommandRefused(f"Member {survivor.member_id} {_STATUS[survivor.status]}.")
        if absorbed.points < 0:
            raise CommandRefused(
                f"Member {absorbed.member_id} has {absorbed.points} points: settle that debt at "
                "the till first, it is not moved."
            )
        return Plan(survivor, absorbed, why, absorbed.customer_id)

    def _refuse(self) -> None:
        for side in (self.one, self.other):
            if side.status in {"3", "4"}:
                raise CommandRefused(f"Member {side.member_id} {_STATUS[side.status]}.")
        customers = {self.one.customer_id, self.other.customer_id} - {None}
        if len(customers) > 1:
            raise CommandRefused(
                f"Member {self.one.member_id} is customer {self.one.customer_id} and member "
                f"{self.other.member_id} is customer {self.other.customer_id}, and both exist in "
                "Shopify. Merge the two customers in Shopify first, then run this again."
            )

    def _survivor(self, chosen: int | None) -> tuple[PairMember, str]:
        pair = (self.one, self.other)
        if chosen is not None:
            found = next((side for side in pair if side.member_id == chosen), None)
            if found is None:
                raise CommandRefused(f"--survivor {chosen} is neither of the two.")
            return found, "you chose it"
        linked = [side for side in pair if side.customer_id is not None]
        if len(linked) == 1:
            return linked[0], f"it is the member of online customer {linked[0].customer_id}"
        best, rest = sorted(pair, key=lambda side: side.preference)
        if best.preference[0] != rest.preference[0]:
            return best, "it was seen last at the till"
        if best.points != rest.points:
            return best, "it has more points"
        return best, "its id is the lower one"


async def member_pair(smaregi: Smaregi, one: int, other: int) -> MemberPair:
    """Both, read from Smaregi. Raises Refused if they are not two members."""
    if one == other:
        raise CommandRefused(f"{one} and {other} are one and the same member.")
    return MemberPair(*await asyncio.gather(_side(smaregi, one), _side(smaregi, other)))


async def _side(smaregi: Smaregi, member_id: int) -> PairMember:
    row, points = await asyncio.gather(
        smaregi.client.by_id(str(member_id)), smaregi.client.balance(str(member_id))
    )
    if row is None or points is None:
        raise CommandRefused(f"Smaregi has no member {member_id}.")
    owners = sorted(await smaregi.ownership.owners(row))
    if len(owners) > 1:
        raise CommandRefused(
            f"Member {member_id} belongs to customers {owners[0]} and {owners[1]}, by its number "
            "and by its link: `duplicates unlink` one of them first."
        )
    return PairMember(member_id, row, points, owners[0] if owners else None)
