"""Who stands in line for Shopify's cost points: each person in one place, also while at home.

Whoever cannot be served in time is told when to come back, and keeps the place: those who came
later are served later. A place is held in memory alone; whoever comes back to another process is
new there.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from itertools import count

__all__ = ["Line", "Place", "in_line"]

_GRACE = 10.0
"""Seconds after which points are no longer kept for whoever did not come back. The place stays."""
_REMEMBERED = 20_000
"""Most places kept of those who were told to come back, some 5 MB; then the oldest are new."""


@dataclass(slots=True)
class Place:
    """`order`: by the first arrival. `due`: when its points are there, by the clock of the loop;
    None for whoever has just come. `awaited`: it was told so, and points are kept for it. `served`:
    points were spent on it.
    """

    order: int
    due: float | None = None
    awaited: bool = False
    served: bool = False


class _Claim:
    __slots__ = ("_token", "place", "whose")

    _token: "Token[_Claim | None]"

    def __init__(self, whose: bytes) -> None:
        self.whose = whose
        self.place: Place | None = None

    def __enter__(self) -> None:
        self._token = _claim.set(self)

    def __exit__(self, *_: object) -> None:
        _claim.reset(self._token)


_claim: ContextVar[_Claim | None] = ContextVar("claim", default=None)


def in_line(whose: bytes) -> AbstractContextManager[None]:
    """What is called inside is for this person, and waits for points in their one place."""
    return _Claim(whose)


class Line:
    """The places of one bucket. `orders` are given to whoever stands in no place, too."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.orders = count()
        self._away: OrderedDict[bytes, Place] = OrderedDict()
        self._lapsing: list[tuple[float, int, Place]] = []
        self._ties = count()
        self._awaited = 0

    def its_place(self) -> Place | None:
        """Of the person for whom this call is; the one of then for whoever comes back."""
        claim = _claim.get()
        if claim is None:
            return None
        if claim.place is None:
            back = self._away.pop(claim.whose, None)
            if back is not None:
                self._no_longer(back)
            claim.place = back or Place(next(self.orders))
        return claim.place

    def awaited(self) -> int:
        """How many were told to come back, and have points kept for them."""
        now = self._clock()
        while self._lapsing and self._lapsing[0][0] <= now:
            at, _, place = heapq.heappop(self._lapsing)
            if place.due is not None and place.due + _GRACE <= at:
                self._no_longer(place)
        return self._awaited

    def leave(self, place: Place, due: float) -> None:
        """Its person is told to come back, when its points are there."""
        claim = _claim.get()
        if claim is None:
            return
        if place.due != due:  # of whoever came too early it stands there already
            heapq.heappush(self._lapsing, (due + _GRACE, next(self._ties), place))
        place.due, place.awaited = due, True
        self._awaited += 1
        self._away[claim.whose] = place
        claim.place = None
        if len(self._away) > _REMEMBERED:
            self._no_longer(self._away.popitem(last=False)[1])

    def _no_longer(self, place: Place) -> None:
        self._awaited -= place.awaited
        place.awaited = False
