"""What is known of the database without asking it."""

from dataclasses import dataclass

import pytest

from gateway.errors import StorageError
from gateway.store.pulse import Pulse


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Pulse:
    return Pulse(clock)


def test_a_commit_is_news_for_a_while(pulse: Pulse, clock: Clock) -> None:
    assert not pulse.wrote_within(1.0)
    pulse.asked()
    pulse.ended("done", wrote=True)
    assert pulse.wrote_within(1.0)
    clock.now += 1.5
    assert not pulse.wrote_within(1.0)


def test_a_failure_stands_until_something_is_written(pulse: Pulse) -> None:
    failure = StorageError("full", "make room")
    for result, wrote, known in (
        ("done", True, None),
        (failure, True, failure),
        ("read", False, failure),
        (LookupError("the unit's own"), True, failure),
        ("done", True, None),
    ):
        pulse.asked()
        pulse.ended(result, wrote=wrote)
        assert pulse.failure is known, result
    with pytest.raises(StorageError), pulse.reading():
        raise failure
    assert pulse.failure is failure
    assert not pulse.wrote_within(1.0)


def test_it_stalls_only_while_something_waits_and_nothing_is_done(
    pulse: Pulse, clock: Clock
) -> None:
    clock.now += 60
    assert pulse.stalled == 0
    for _ in range(3):
        pulse.asked()
        clock.now += 4
    assert pulse.stalled == 12
    pulse.ended("read", wrote=False)
    assert pulse.stalled == 0
    clock.now += 7
    pulse.given_up()
    assert pulse.stalled == 7
    pulse.ended("done", wrote=True)
    clock.now += 60
    assert pulse.stalled == 0
