"""What a merge, a link or an unlink says of each step: in English, and as a page's language has it.

The messages are message ids (gettext); the console has them in its catalogues.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Self

from gateway.store.merges import Merge

__all__ = ["Told", "of_customer", "of_merge", "sentences"]


class Told(str):
    """The English text, made of `message` and `values`."""

    __slots__ = ("message", "values")

    message: str
    values: Mapping[str, object]

    def __new__(cls, message: str, **values: object) -> Self:
        made = super().__new__(cls, message % values)
        made.message, made.values = message, values
        return made

    def told(self, text: Callable[[str], str]) -> str:
        return text(self.message) % self.values


_OF_MERGE = {
    "already": "Member %(absorbed)s was merged into member %(survivor)s already.",
    "more": "The till gave member %(absorbed)s points meanwhile: they move, too.",
    "no points": "Member %(absorbed)s has no points to move.",
    "left": "%(points)s points have left member %(absorbed)s.",
    "reached": "%(points)s points have reached member %(survivor)s.",
    "number": "Member %(absorbed)s has the number %(number)s now.",
    "marked": "Member %(absorbed)s is marked as merged (status 4).",
    "no room": (
        "Member %(absorbed)s is marked as merged (status 4). Its note has no room to say where it "
        "went."
    ),
    "done": "Member %(absorbed)s was merged into member %(survivor)s.",
    "points since": (
        "Member %(absorbed)s was merged into member %(survivor)s, but has %(number)s points that "
        "the till gave it meanwhile: move them in Smaregi."
    ),
    "look": (
        "A person must look at the points: %(problem)s. Probably the till moved points at the same "
        "moment. In Smaregi compare the point history (ポイント履歴) of members %(absorbed)s and "
        "%(survivor)s: %(points)s points should leave %(absorbed)s once and reach %(survivor)s "
        "once. Put both right there, then run `duplicates merge %(absorbed)s %(survivor)s "
        "--points-settled`. Nothing is repeated by itself."
    ),
}
_OF_CUSTOMER = {
    "written down": "Member %(member)s is written down for customer %(customer)s.",
    "apart": "Customer %(customer)s and member %(member)s stay apart from now on.",
    "linked": "Customer %(customer)s is linked to member %(member)s.",
    "own": "Customer %(customer)s has a new member of their own, member %(member)s.",
    "no member": "Smaregi has no member %(member)s any more: there is no number to give back.",
    "old number": "Member %(member)s has its old number %(number)s again.",
    "new number": "Member %(member)s has the number %(number)s now.",
}


def of_merge(step: str, merge: Merge, **more: object) -> Told:
    """`step`: a key of `_OF_MERGE`; `more`: what its message names beside the merge."""
    known = {"absorbed": merge.absorbed, "survivor": merge.survivor, "points": merge.points}
    return Told(_OF_MERGE[step], **known, **more)


def of_customer(step: str, customer: int, member: int | str, **more: object) -> Told:
    return Told(_OF_CUSTOMER[step], customer=customer, member=member, **more)


def sentences() -> Iterator[str]:
    """Every message id."""
    yield from _OF_MERGE.values()
    yield from _OF_CUSTOMER.values()
