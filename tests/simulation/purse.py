"""The store with its points counted: what the till gave is there, once, at every moment."""

from collections import Counter
from collections.abc import Callable, Iterable

from gateway.sandbox import SmaregiOptions
from gateway.sandbox.smaregi import Smaregi
from gateway.sandbox.smaregi.fields import Member

__all__ = ["Store"]


class Store(Smaregi):
    """`due`: what the till has given each member, less what was spent there. `highest`: by how
    many points all members together ever had more than that.
    """

    def __init__(self, options: SmaregiOptions, clock: Callable[[], float]) -> None:
        self.due: Counter[int] = Counter()
        self.highest = 0
        self._held: Counter[int] = Counter()
        super().__init__(options, clock)

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
