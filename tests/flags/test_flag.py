import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags import Change, Decision, Flag, FlagSet, Mode, Reason

IDS = range(7_000_000_000_001, 7_000_000_100_001)
ONE = 7_000_000_000_001
ALLOW = frozenset({"yamada@example.com", "@example.jp"})


def flag(percent: float | None, name: str = "FLAG_CRM", allow: frozenset[str] = ALLOW) -> Flag:
    return Flag(name, Mode.ON, percent=percent, allow=allow)


def sent(one: Flag) -> set[int]:
    return {number for number in IDS if one.decide(number).mode is Mode.ON}


@given(
    number=st.integers(1, 2**63),
    percents=st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted),
)
def test_whoever_is_in_a_percentage_is_in_every_larger_one(
    number: int, percents: list[float]
) -> None:
    smaller, larger = (flag(percent).decide(number).mode for percent in percents)
    assert smaller is not Mode.ON or larger is Mode.ON


@pytest.mark.parametrize("percent", [1, 12.5, 25, 50, 90])
def test_a_percentage_takes_its_share_of_consecutive_customers(percent: float) -> None:
    share = percent / 100
    five_sigma = 5 * (share * (1 - share) / len(IDS)) ** 0.5
    assert len(sent(flag(percent))) / len(IDS) == pytest.approx(share, abs=five_sigma)


def test_zero_takes_nobody_and_a_hundred_everybody() -> None:
    assert not sent(flag(0))
    assert len(sent(flag(100))) == len(IDS)


def test_two_flags_split_the_customers_independently() -> None:
    crm, email = sent(flag(50, "FLAG_CRM")), sent(flag(50, "FLAG_EMAIL"))
    assert len(crm & email) / len(IDS) == pytest.approx(0.25, abs=0.007)


@pytest.mark.parametrize(
    ("number", "least"), [(7_000_000_000_001, 76.05257), (7_000_000_000_002, 49.88946)]
)
def test_a_customers_place_never_moves_between_releases(number: int, least: float) -> None:
    assert flag(least - 0.001).decide(number).mode is Mode.HOLD
    assert flag(least + 0.001).decide(number).mode is Mode.ON


def test_those_outside_the_percentage_are_held_and_both_sides_say_split() -> None:
    assert flag(0).decide(ONE) == Decision(Mode.HOLD, Reason.PERCENT)
    assert flag(100).decide(ONE) == Decision(Mode.ON, Reason.PERCENT)


@pytest.mark.parametrize("email", ["yamada@example.com", "YAMADA@example.com ", "x@example.jp"])
def test_the_allow_list_sends_whatever_the_percentage(email: str) -> None:
    for percent in (0.0, 50.0, 100.0):
        assert flag(percent).decide(ONE, email) == Decision(Mode.ON, Reason.ALLOW)


@pytest.mark.parametrize("email", [None, "", "other@example.com"])
def test_without_a_listed_e_mail_the_percentage_decides(email: str | None) -> None:
    assert flag(0).decide(ONE, email) == Decision(Mode.HOLD, Reason.PERCENT)


def test_on_without_a_percentage_sends_to_everybody() -> None:
    assert flag(None).decide(ONE, "other@example.com") == Decision(Mode.ON, Reason.SET)


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.HOLD, Mode.DRY_RUN])
def test_percentage_and_allow_list_act_only_under_on(mode: Mode) -> None:
    for percent in (0.0, 100.0):
        one = Flag("FLAG_CRM", mode, percent=percent, allow=ALLOW)
        assert one.decide(ONE, "yamada@example.com") == Decision(mode, Reason.SET)
        assert one.reason is Reason.SET


def test_an_unset_flag_decides_off_by_default() -> None:
    assert Flag("FLAG_CRM", Mode.OFF, "default").decide(ONE) == Decision(Mode.OFF, Reason.UNSET)


def test_a_description_has_every_field_and_the_allow_list_as_a_count() -> None:
    assert flag(25).describe() == {
        "flag": "FLAG_CRM",
        "mode": "on",
        "reason": "split",
        "source": "environment",
        "percent": 25,
        "allow": 2,
    }
    assert Flag("FLAG_CRM", Mode.OFF, "default").describe() == {
        "flag": "FLAG_CRM",
        "mode": "off",
        "reason": "default",
        "source": "default",
        "percent": None,
        "allow": None,
    }


def test_a_flag_is_printed_without_its_allow_list() -> None:
    printed = repr(flag(25)) + str(flag(25)) + repr(FlagSet({"FLAG_CRM": flag(25)}))
    printed += flag(25).in_words() + str(flag(25).describe())
    assert "FLAG_CRM" in printed
    assert "example" not in printed


def test_a_set_gives_a_flag_by_its_short_or_full_name() -> None:
    crm = flag(25)
    flags = FlagSet({"FLAG_CRM": crm})
    assert flags["crm"] is flags["FLAG_CRM"] is flags["Crm"] is crm
    with pytest.raises(KeyError, match="FLAG_LINE"):
        flags["line"]


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (Flag("FLAG_CRM", Mode.ON), Flag("FLAG_CRM", Mode.DRY_RUN), "on", "dry_run"),
        (flag(5), flag(12.5), "on, 5 %, allow 2", "on, 12.5 %, allow 2"),
        (flag(5), flag(None), "on, 5 %, allow 2", "on, allow 2"),
        (flag(5), flag(5, allow=frozenset()), "on, 5 %, allow 2", "on, 5 %"),
        (
            flag(5, allow=frozenset({"a@example.com"})),
            flag(5, allow=frozenset({"b@example.com"})),
            "on, 5 %, allow 1",
            "on, 5 %, allow 1 (other entries)",
        ),
    ],
)
def test_a_reload_tells_each_changed_flag_from_and_to(
    old: Flag, new: Flag, before: str, after: str
) -> None:
    same = Flag("FLAG_EMAIL", Mode.HOLD)
    first, second = ({"FLAG_EMAIL": same, "FLAG_CRM": one} for one in (old, new))
    assert FlagSet(first).changes(FlagSet(second)) == [Change("FLAG_CRM", before, after)]


def test_a_flag_that_only_moved_to_another_source_has_not_changed() -> None:
    old, new = Flag("FLAG_CRM", Mode.OFF, "default"), Flag("FLAG_CRM", Mode.OFF, ".env")
    assert FlagSet({"FLAG_CRM": old}).changes(FlagSet({"FLAG_CRM": new})) == []
