"""Which record is being linked to which customer at this moment. From the look at a record's owner
until the link is in the database, no other customer may get it. This process owns the database, so
memory is enough.
"""

from collections.abc import Callable

__all__ = ["STANDS", "Claims"]

STANDS = 60.0
"""Seconds for which a claim holds: longer than an attempt takes until its link is written."""


class Claims:
    """`clock` is wall time; records are named by the id that their system gave them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._claims: dict[str, tuple[int, float]] = {}  # record -> customer id, since when

    def claim(self, record: str, customer_id: int) -> bool:
        """False if another customer is being linked to it at this moment."""
        now = self._clock()
        old = [each for each, (_, since) in self._claims.items() if abs(now - since) > STANDS]
        for each in old:
            del self._claims[each]
        if self._claims.get(record, (customer_id, now))[0] != customer_id:
            return False
        self._claims[record] = (customer_id, now)
        return True

    def holder(self, record: str) -> int | None:
        """The customer who has claimed it; whether the link was written is not known here."""
        customer_id, since = self._claims.get(record, (None, 0.0))
        return customer_id if abs(self._clock() - since) <= STANDS else None

    def release(self, record: str, customer_id: int) -> None:
        """The record no longer belongs to this customer: the next one may get it at once."""
        if self._claims.get(record, (0, 0.0))[0] == customer_id:
            del self._claims[record]
