"""The retry decision, as a value: what follows a failed attempt. Pure; the time is a parameter."""

import math
from collections.abc import Callable, Sequence

from gateway import frozen
from gateway.errors import ErrorClass, NotReadyError, UpstreamError
from gateway.outcomes import Outcome, Waiting

__all__ = [
    "RetryDecision",
    "judge",
    "longer",
    "retry_delay",
    "wait_for_a_person",
    "wait_for_channel",
    "wait_for_shopify",
]

JITTER = 0.1
LONGEST_RETRY_AFTER = 86400.0
"""HubSpot asks for up to a day while it moves an account."""
AUTH_AGAIN = 10.0
INDEX_AGAIN = 15.0
SHOPIFY_AGAIN = 10.0
PERSON_AGAIN = 600.0


@frozen
class RetryDecision:
    """`counted`: whether the attempt uses up one of the schedule's tries.

    `reason`: the upstream's own, of a failure that was not this delivery's; its own error has one.
    """

    outcome: Outcome
    error_class: ErrorClass | None
    message: str
    next_attempt_at: float | None = None
    counted: bool = True
    waiting: Waiting | None = None
    reason: str | None = None


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
    asked = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
    delay = retry_delay(schedule, attempts, random, asked=asked)
    return RetryDecision(Outcome.RETRYING, error.error_class, str(error), now + delay)


def retry_delay(
    schedule: Sequence[float],
    tries: int,
    random: Callable[[], float],
    *,
    asked: float = 0.0,
    longest: float = math.inf,
) -> float:
    """Seconds until the next try, after `tries` of them: the schedule's, its last for all further
    ones, at most `longest`; up to a tenth more at random, and never less than was `asked` for.
    """
    planned = schedule[min(max(tries, 1), len(schedule)) - 1] if schedule else longest
    return max(min(planned, longest) * (1 + JITTER * random()), asked)


def longer(pause: float, shortest: float, longest: float) -> float:
    """The next pause of something that keeps failing: twice the last one."""
    return min(longest, max(shortest, pause * 2))


def _passes(error: UpstreamError) -> bool:
    """A conflict that another delivery may end says when to look again."""
    return error.error_class is ErrorClass.CONFLICT and error.retry_after is not None


def wait_for_channel(
    cause: ErrorClass, message: str, again_at: float, reason: str | None = None
) -> RetryDecision:
    """The channel as a whole failed: nothing is counted against this delivery."""
    return RetryDecision(Outcome.RETRYING, cause, message, again_at, False, Waiting.CHANNEL, reason)


def wait_for_shopify(error: UpstreamError, now: float) -> RetryDecision:
    """The customer could not be read."""
    text = f"the customer could not be read from Shopify ({error.error_class})"
    again = now + max(SHOPIFY_AGAIN, min(error.retry_after or 0, 300.0))
    return RetryDecision(
        Outcome.RETRYING, error.error_class, text, again, False, Waiting.SHOPIFY, error.reason
    )


def wait_for_a_person(now: float) -> RetryDecision:
    """The customer seems gone, and so do too many others: a person decides."""
    text = "the customer seems gone from Shopify, as too many others do: see `removals list`"
    return RetryDecision(
        Outcome.RETRYING, None, text, now + PERSON_AGAIN, counted=False, waiting=Waiting.SHOPIFY
    )
