"""How an attempt ended, as a value that is written into the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Outcome, Waiting

__all__ = ["Settlement"]


@dataclass(slots=True)
class Settlement:
    """How an attempt ended; `counted` is false where the failure says nothing about it.

    `fields`: the marks of what the channel's record has been given by now, where that changed.
    """

    delivery_id: int
    outcome: Outcome
    _: KW_ONLY
    started_at: float
    duration: float = 0.0
    error_class: ErrorClass | None = None
    message: str | None = None
    counted: bool = True
    next_attempt_at: float | None = None
    waiting: Waiting | None = None
    action: str | None = None
    reference: str | None = None
    member_number: str | None = None
    adjustments: Sequence[dict[str, str]] = ()
    fields: Mapping[str, str] | None = None
    state: str | None = None
    error: UpstreamError | None = None
