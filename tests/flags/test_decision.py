import itertools

import pytest

from flags import Decision, Mode, Reason, combine

BY_STRICTNESS = [Mode.ON, Mode.DRY_RUN, Mode.HOLD, Mode.OFF]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(BY_STRICTNESS, repeat=2)))
def test_the_stricter_mode_wins_in_either_order(a: Mode, b: Mode) -> None:
    stricter = BY_STRICTNESS[max(BY_STRICTNESS.index(a), BY_STRICTNESS.index(b))]
    assert Mode.stricter(a, b) is stricter
    assert combine(Decision(a, Reason.SET), Decision(b, Reason.SET)).mode is stricter


def test_a_decision_that_is_not_overruled_keeps_its_reason() -> None:
    split = Decision(Mode.HOLD, Reason.PERCENT)
    assert combine(split, Decision(Mode.ON, Reason.SET)) == split
    assert combine(split, Decision(Mode.HOLD, Reason.SET)) == split


def test_an_overruled_decision_says_that_another_flag_was_stricter() -> None:
    allowed, unset = Decision(Mode.ON, Reason.ALLOW), Decision(Mode.OFF, Reason.UNSET)
    assert combine(allowed, unset) == Decision(Mode.OFF, Reason.STRICTER)


def test_modes_and_reasons_are_the_published_words() -> None:
    assert {mode.value for mode in Mode} == {"on", "off", "hold", "dry_run"}
    assert {reason.value for reason in Reason} == {
        "static",
        "default",
        "split",
        "targeting_match",
        "stricter",
    }
