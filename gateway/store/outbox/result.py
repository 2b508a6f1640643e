"""How an attempt ended."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Match, Outcome, Waiting

__all__ = ["AttemptResult"]


@dataclass(slots=True)
class AttemptResult:
    """How an attempt ended; `counted` is false if the failure says nothing about this customer.

    `was_linked`: the link was there when the attempt began; if it has gone since, it stays gone.
    `fingerprints`: of what the channel's record has been given by now, where that changed.
    `content_hash`: a keyed hash of the customer of whom a failed attempt told. `instead_of`: a
    customer who is gone from Shopify, and whose link to this record ends. `unproven`: as
    `Link.unproven`, of a record that was linked just now. `ahead`: of the clock by which
    `next_attempt_at` was said. `wakings`: as `AttemptResults` had counted when the attempt began.
    `version`: of an end without an attempt, the delivery's that was decided about.
    `customer_id`: the delivery's, None where it is not known.
    """

    delivery_id: int
    outcome: Outcome
    _: KW_ONLY
    started_at: float
    duration: float = 0.0
    error_class: ErrorClass | None = None
    message: str | None = None
    reason: str | None = None
    counted: bool = True
    next_attempt_at: float | None = None
    ahead: float | None = None
    wakings: int = 0
    version: int | None = None
    waiting: Waiting | None = None
    action: str | None = None
    reference: str | None = None
    member_number: str | None = None
    old_number: str | None = None
    old_place: str | None = None
    adjustments: Sequence[dict[str, str]] = ()
    fingerprints: Mapping[str, str] | None = None
    content_hash: str | None = None
    match: Match | None = None
    was_linked: bool = False
    unproven: bytes | None = None
    instead_of: int | None = None
    error: UpstreamError | None = None
    customer_id: int | None = None
