"""How attempts ended, as they were written."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from gateway import frozen
from gateway.outcomes import Delivery, Outcome
from gateway.store.outbox import AttemptResult

__all__ = ["LiveRun", "SettledAttempt"]


@frozen
class SettledAttempt:
    """An attempt that was settled."""

    delivery: Delivery
    result: AttemptResult

    @classmethod
    def of(cls, delivery: Delivery, end: AttemptResult) -> Self:
        """The outcome as it was stored: an attempt that ended with another customer's record has
        failed.
        """
        if delivery.outcome is Outcome.FAILED and end.outcome is Outcome.DELIVERED:
            end = replace(
                end,
                outcome=delivery.outcome,
                error_class=delivery.error_class,
                message=delivery.message,
                member_number=None,
            )
        return cls(delivery, end)


@frozen
class LiveRun:
    """Deliveries after the caller's own try.

    `deliveries`: all that were owed, as they stand now; `results`: of those that ended.
    """

    deliveries: Sequence[Delivery]
    results: Sequence[AttemptResult] = ()
