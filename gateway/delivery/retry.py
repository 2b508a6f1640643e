"""The retry decision, as a value: what follows a failed attempt. Pure; the clock is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.errors import ErrorClass, NotReadyError, UpstreamError
from gateway.outcomes import Outcome, Waiting

__all__ = ["RetryDecision", "judge", "wait_for_a_person", "wait_for_channel", "wait_for_shopify"]

JITTER = 0.1
LONGEST_RETRY_AFTER = 86400.0
"""HubSpot asks for up to a day while it moves an account."""
AUTH_AGAIN = 10.0
INDEX_AGAIN = 15.0
SHOPIFY_AGAIN = 10.0
PERSON_AGAIN = 600.0


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """`counted`: whether the attempt uses up one of the schedule's tries."""

    outcome: Outcome
    error_class: ErrorClass | None
    message: str
    next_attempt_at: float | None = None
    counted: bool = True
    waiting: Waiting | None = None


def judge(
    error: UpstreamError,
    attempts: int,
    schedule: Sequence[float],
    now: float,
    random: Callable[[], float],
) -> RetryDecision:
    """`attempts` includes the one that just failed. Delays get up to a tenth more, at random."""
    if isinstance(error, NotReadyError):
        return RetryDecision(
            Outcome.RETRYING, None, str(error), now + INDEX_AGAIN, False, Waiting.INDEX
        )
    if error.error_class is ErrorClass.AUTH:
        return wait_for_channel(ErrorClass.AUTH, str(error), now + AUTH_AGAIN)
    if error.needs_a_person and not _passes(error):
        return RetryDecision(Outcome.FAILED, error.error_class, str(error))
    if attempts > len(schedule):
        text = f"{error}; the retries are used up"
        return RetryDecision(Outcome.FAILED, error.error_class, text)
    delay = schedule[max(attempts, 1) - 1] * (1 + JITTER * random())
    if error.retry_after is not None:
        delay = max(delay, min(error.retry_after, LONGEST_RETRY_AFTER))
    return RetryDecision(Outcome.RETRYING, error.error_class, str(error), now + delay)


def _passes(error: UpstreamError) -> bool:
    """A conflict that another delivery may end comes with the time to look again."""
    return error.error_class is ErrorClass.CONFLICT and error.retry_after is not None


def wait_for_channel(cause: ErrorClass, message: str, again_at: float) -> RetryDecision:
    """The whole channel is the cause: nothing is counted against this customer."""
    return RetryDecision(Outcome.RETRYING, cause, message, again_at, False, Waiting.CHANNEL)


def wait_for_shopify(error: UpstreamError, now: float) -> RetryDecision:
    """The customer could not be read."""
    text = f"the customer could not be read from Shopify ({error.error_class})"
    again = now + max(SHOPIFY_AGAIN, min(error.retry_after or 0, 300.0))
    return RetryDecision(Outcome.RETRYING, error.error_class, text, again, False, Waiting.SHOPIFY)


def wait_for_a_person(now: float) -> RetryDecision:
    """The customer seems gone, and so do too many others: a person decides."""
    text = "the customer seems gone from Shopify, as too many others do: see `removals list`"
    return RetryDecision(
        Outcome.RETRYING, None, text, now + PERSON_AGAIN, counted=False, waiting=Waiting.SHOPIFY
    )
