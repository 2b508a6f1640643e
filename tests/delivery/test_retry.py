"""The retry decision as a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.retry import judge, longer, retry_delay, wait_for_shopify
from gateway.errors import About, ErrorClass, NotReadyError, UpstreamError
from gateway.outcomes import Outcome, Waiting

NOW = 1_790_000_000.0
SCHEDULE = (5.0, 30.0, 120.0)
PASSING = [c for c in ErrorClass if not c.needs_a_person and c is not ErrorClass.AUTH]


def failure(kind: ErrorClass, retry_after: float | None = None) -> UpstreamError:
    return UpstreamError("crm", "create contact", kind, "HTTP 503", retry_after=retry_after)


@given(
    st.sampled_from(list(ErrorClass)),
    st.integers(1, 20),
    st.lists(st.floats(0, 10**6), min_size=1, max_size=9),
    st.none() | st.floats(0, 10**9),
    st.floats(0, 1),
)
def test_every_failure_has_one_of_two_ends_and_a_time_where_it_goes_on(
    kind: ErrorClass,
    attempts: int,
    schedule: list[float],
    retry_after: float | None,
    chance: float,
) -> None:
    error = failure(kind, retry_after)
    decision = judge(error, attempts, schedule, NOW, lambda: chance)
    assert decision.outcome in {Outcome.RETRYING, Outcome.FAILED}
    assert (decision.next_attempt_at is not None) is (decision.outcome is Outcome.RETRYING)
    assert decision.error_class is kind
    if decision.next_attempt_at is not None:
        assert NOW <= decision.next_attempt_at <= NOW + max(1.1 * max(schedule), 86400, 10)
    assert decision.counted is (kind is not ErrorClass.AUTH)


@given(st.sampled_from(PASSING), st.integers(1, 3), st.floats(0, 1))
def test_the_schedule_is_followed_with_up_to_a_tenth_more(
    kind: ErrorClass, attempts: int, chance: float
) -> None:
    decision = judge(failure(kind), attempts, SCHEDULE, NOW, lambda: chance)
    delay = SCHEDULE[attempts - 1]
    assert decision.next_attempt_at is not None
    assert delay <= decision.next_attempt_at - NOW <= 1.1 * delay + 1e-3


@pytest.mark.parametrize("kind", PASSING)
def test_it_fails_when_the_retries_are_used_up(kind: ErrorClass) -> None:
    last = judge(failure(kind), len(SCHEDULE), SCHEDULE, NOW, lambda: 0.0)
    over = judge(failure(kind), len(SCHEDULE) + 1, SCHEDULE, NOW, lambda: 0.0)
    assert (last.outcome, over.outcome) == (Outcome.RETRYING, Outcome.FAILED)
    assert "used up" in over.message


@pytest.mark.parametrize(
    "kind", [ErrorClass.INVALID_DATA, ErrorClass.CONFLICT, ErrorClass.TOO_LATE]
)
def test_what_needs_a_person_does_not_burn_the_schedule(kind: ErrorClass) -> None:
    assert judge(failure(kind), 1, SCHEDULE, NOW, lambda: 0.0).outcome is Outcome.FAILED


def test_a_refusal_of_all_alike_fails_nobody_for_good() -> None:
    error = UpstreamError("email", "x", ErrorClass.INVALID_DATA, "y", about=About.SYSTEM)
    assert judge(error, 1, SCHEDULE, NOW, lambda: 0.0).outcome is Outcome.RETRYING


@pytest.mark.parametrize("attempts", [1, 100])
def test_refused_credentials_pause_the_channel_and_count_nothing(attempts: int) -> None:
    decision = judge(failure(ErrorClass.AUTH), attempts, SCHEDULE, NOW, lambda: 0.0)
    assert (decision.counted, decision.waiting) == (False, Waiting.CHANNEL)
    assert decision.next_attempt_at == NOW + 10


@pytest.mark.parametrize(
    ("asked", "delay"), [(None, 5.0), (1.0, 5.0), (60.0, 60.0), (10.0**9, 86400.0)]
)
def test_retry_after_is_honoured_within_bounds(asked: float | None, delay: float) -> None:
    error = failure(ErrorClass.RATE_LIMIT, asked)
    assert judge(error, 1, SCHEDULE, NOW, lambda: 0.0).next_attempt_at == NOW + delay


def test_an_index_that_is_not_ready_is_no_failure() -> None:
    decision = judge(NotReadyError("smaregi", "still runs"), 99, SCHEDULE, NOW, lambda: 0.0)
    assert decision.outcome is Outcome.RETRYING
    assert (decision.error_class, decision.counted) == (None, False)
    assert decision.waiting is Waiting.INDEX


@given(st.sampled_from(list(ErrorClass)), st.none() | st.floats(0, 10**9))
def test_a_customer_that_could_not_be_read_counts_nothing(
    kind: ErrorClass, asked: float | None
) -> None:
    decision = wait_for_shopify(failure(kind, asked), NOW)
    assert (decision.counted, decision.waiting) == (False, Waiting.SHOPIFY)
    assert decision.next_attempt_at is not None
    assert NOW + 10 <= decision.next_attempt_at <= NOW + 300


@given(st.integers(0, 99), st.floats(0, 1))
def test_the_schedules_last_delay_is_for_all_further_tries(tries: int, luck: float) -> None:
    planned = SCHEDULE[min(max(tries, 1), len(SCHEDULE)) - 1]
    delay = retry_delay(SCHEDULE, tries, lambda: luck)
    assert planned <= delay <= planned * 1.1


def test_a_delay_is_at_most_the_longest_and_never_less_than_was_asked_for() -> None:
    assert retry_delay(SCHEDULE, 3, lambda: 0.0, longest=60.0) == 60.0
    assert retry_delay(SCHEDULE, 1, lambda: 1.0, asked=600.0, longest=60.0) == 600.0
    assert retry_delay((), 1, lambda: 0.0, longest=60.0) == 60.0


def test_what_keeps_failing_waits_longer_each_time() -> None:
    pauses = [0.0]
    for _ in range(5):
        pauses.append(longer(pauses[-1], 1.0, 5.0))
    assert pauses == [0.0, 1.0, 2.0, 4.0, 5.0, 5.0]
