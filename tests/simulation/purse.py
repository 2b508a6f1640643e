"""The store with its points counted: what the till gave is there, once, at every moment."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.sandbox import SmaregiOptions
from gateway.sandbox.call import StandInAnswer
from gateway.sandbox.smaregi import Smaregi
from gateway.sandbox.smaregi.fields import Member
from gateway.sandbox.smaregi.points import PointsDesk

__all__ = ["Store"]


class _Desk(PointsDesk):
    """Points that were posted or sold are due from then on; those that are added are only moved."""

    due: Counter[int]
    _counts = False

    def post(self, values: Mapping[str, Any], stores: Mapping[str, Any]) -> StandInAnswer:
        self._counts = True
        try:
            return super().post(values, stores)
        finally:
            self._counts = False

    def sale(self, member_id: int, new_point: int, spend_point: int) -> int:
        self._counts = True
        try:
            return super().sale(member_id, new_point, spend_point)
        finally:
            self._counts = False

    def _move(self, member_id: int, points: int, expires: str | None = None) -> None:
        if self._counts:
            self.due[member_id] += points
        super()._move(member_id, points, expires)


class Store(Smaregi):
    """`due`: what the till has given each member, less what was spent there, and what orders have
    earned. `highest`: by how many points all members together ever had more than that.
    """

    def __init__(self, options: SmaregiOptions, clock: Callable[[], float]) -> None:
        self.due: Counter[int] = Counter()
        self.highest = 0
        self._held: Counter[int] = Counter()
        super().__init__(options, clock)

    def _points_desk(self) -> PointsDesk:
        def store(member_id: int, row: Member) -> None:
            self._store(member_id, row, "edited")

        desk = _Desk(self.options, self.members, store, self.now)
        desk.due = self.due
        return desk

    def give(self, member_id: int, points: int) -> None:
        """At the till; negative, they are spent there, as far as there are any."""
        points = max(points, -self._held[member_id])
        self.due[member_id] += points
        self.edit(member_id, point=str(self._held[member_id] + points))

    def put_right(self, survivor: int, absorbed: int) -> None:
        """A person compares both histories and corrects both balances."""
        wanted = self.due_of((survivor, absorbed))
        self.edit(absorbed, point="0")
        self.edit(survivor, point=str(wanted))

    def due_of(self, members: Iterable[int]) -> int:
        return sum(self.due[each] for each in members)

    def has(self, members: Iterable[int]) -> int:
        return sum(self._held[each] for each in members)

    def _store(self, member_id: int, member: Member, action: str) -> None:
        super()._store(member_id, member, action)
        self._held[member_id] = int(member["point"] or "0")
        self.highest = max(self.highest, self._held.total() - self.due.total())
