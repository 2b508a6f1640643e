"""Who is just being given which record: from the look at its owner to the link's row in the
database nobody else may have it. This process owns the database, so memory is enough.
"""

from collections.abc import Callable

__all__ = ["Claims"]

_STANDS = 60.0
"""Seconds for which a claim stands: longer than any attempt takes until its link is written."""


class Claims:
    """`clock` is wall time; records are named by the id that their system gave them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._claims: dict[str, tuple[int, float]] = {}  # record -> customer id, since when

    def claim(self, record: str, customer_id: int) -> bool:
        """False: another customer is just being linked to it."""
        now = self._clock()
        old = [each for each, (_, since) in self._claims.items() if abs(now - since) > _STANDS]
        for each in old:
            del self._claims[each]
        if self._claims.get(record, (customer_id, now))[0] != customer_id:
            return False
        self._claims[record] = (customer_id, now)
        return True

    def release(self, record: str, customer_id: int) -> None:
        """The record is not this customer's any more: whoever is next may have it at once."""
        if self._claims.get(record, (0, 0.0))[0] == customer_id:
            del self._claims[record]
