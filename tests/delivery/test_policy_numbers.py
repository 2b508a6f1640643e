"""The retry decision's numbers, each with all that it says."""

import pytest

from gateway.delivery.retry import (
    RetryDecision,
    judge,
    retry_delay,
    wait_for_a_person,
    wait_for_channel,
    wait_for_shopify,
)
from gateway.errors import ErrorClass, NotReadyError, UpstreamError
from gateway.outcomes import Outcome, Waiting

NOW = 1_000_000.0
SCHEDULE = (5.0, 30.0)


def error(kind: ErrorClass = ErrorClass.TIMEOUT, after: float | None = None) -> UpstreamError:
    return UpstreamError("crm", "call", kind, "it went wrong", retry_after=after, reason="WHY")


def decided(what: UpstreamError, attempts: int = 1, chance: float = 0.0) -> RetryDecision:
    return judge(what, attempts, SCHEDULE, NOW, lambda: chance)


@pytest.mark.parametrize(
    ("attempts", "chance", "delay"),
    [(0, 0.0, 5.0), (1, 0.0, 5.0), (1, 1.0, 5.5), (2, 0.5, 31.5)],
)
def test_a_passing_failure_waits_by_the_schedule(
    attempts: int, chance: float, delay: float
) -> None:
    assert decided(error(), attempts, chance) == RetryDecision(
        Outcome.RETRYING,
        ErrorClass.TIMEOUT,
        "call: it went wrong",
        pytest.approx(NOW + delay),  # type: ignore[arg-type]
        counted=True,
        waiting=None,
    )


def test_a_delay_may_be_shorter_than_a_second() -> None:
    assert retry_delay((0.1,), 1, lambda: 0.0) == 0.1
    assert judge(error(), 1, (0.1,), NOW, lambda: 0.0).next_attempt_at == NOW + 0.1


def test_after_the_last_of_the_schedule_a_person_has_to_look() -> None:
    assert decided(error(), 3) == RetryDecision(
        Outcome.FAILED, ErrorClass.TIMEOUT, "call: it went wrong; the retries are used up"
    )
    assert decided(error(), 2).outcome is Outcome.RETRYING


@pytest.mark.parametrize(
    ("after", "delay"), [(4.0, 5.0), (60.0, 60.0), (0.0, 5.0), (90000.0, 86400.0)]
)
def test_who_asks_for_longer_gets_it_for_a_day_at_most(after: float, delay: float) -> None:
    assert decided(error(after=after)).next_attempt_at == NOW + delay


@pytest.mark.parametrize(
    "kind", [ErrorClass.INVALID_DATA, ErrorClass.CONFLICT, ErrorClass.TOO_LATE]
)
def test_what_needs_a_person_has_failed_at_once(kind: ErrorClass) -> None:
    assert decided(error(kind)) == RetryDecision(Outcome.FAILED, kind, "call: it went wrong")


@pytest.mark.parametrize("kind", [ErrorClass.INVALID_DATA, ErrorClass.TOO_LATE])
def test_only_a_conflict_passes_by_itself_and_only_where_it_says_when(kind: ErrorClass) -> None:
    assert decided(error(kind, 60.0)).outcome is Outcome.FAILED
    passes = decided(error(ErrorClass.CONFLICT, 60.0))
    assert (passes.outcome, passes.next_attempt_at) == (Outcome.RETRYING, NOW + 60.0)


def test_refused_credentials_wait_for_the_channel_uncounted() -> None:
    assert decided(error(ErrorClass.AUTH), 9) == RetryDecision(
        Outcome.RETRYING,
        ErrorClass.AUTH,
        "call: it went wrong",
        NOW + 10.0,
        counted=False,
        waiting=Waiting.CHANNEL,
    )


def test_what_is_not_ready_waits_for_the_index_uncounted_and_is_no_error() -> None:
    assert decided(NotReadyError("pos", "members are read"), 9) == RetryDecision(
        Outcome.RETRYING,
        None,
        "prepare: members are read",
        NOW + 15.0,
        counted=False,
        waiting=Waiting.INDEX,
    )


def test_a_paused_channel_is_waited_for_until_it_is_tried_again() -> None:
    assert wait_for_channel(ErrorClass.CONNECTION, "paused", 700.0, "WHY") == RetryDecision(
        Outcome.RETRYING,
        ErrorClass.CONNECTION,
        "paused",
        700.0,
        counted=False,
        waiting=Waiting.CHANNEL,
        reason="WHY",
    )


@pytest.mark.parametrize(
    ("after", "delay"), [(None, 10.0), (0.5, 10.0), (60.0, 60.0), (900.0, 300.0)]
)
def test_shopify_is_waited_for_ten_seconds_or_as_long_as_it_asks_up_to_five_minutes(
    after: float | None, delay: float
) -> None:
    assert wait_for_shopify(error(after=after), NOW) == RetryDecision(
        Outcome.RETRYING,
        ErrorClass.TIMEOUT,
        "the customer could not be read from Shopify (timeout)",
        NOW + delay,
        counted=False,
        waiting=Waiting.SHOPIFY,
        reason="WHY",
    )


def test_a_person_is_waited_for_ten_minutes_at_a_time() -> None:
    assert wait_for_a_person(NOW) == RetryDecision(
        Outcome.RETRYING,
        None,
        "the customer seems gone from Shopify, as too many others do: see `removals list`",
        NOW + 600.0,
        counted=False,
        waiting=Waiting.SHOPIFY,
    )


def test_a_decision_counts_and_waits_for_nothing_unless_it_says_so() -> None:
    plain = RetryDecision(Outcome.FAILED, None, "x")
    assert (plain.next_attempt_at, plain.counted, plain.waiting) == (None, True, None)
