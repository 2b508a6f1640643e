import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags import FlagError, FlagSet, Mode, load

NAMES = ("smaregi", "crm", "email", "updates")
ALL_ON = {f"FLAG_{name.upper()}": "on" for name in NAMES}


def problems(environment: dict[str, str | None], dotenv: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(FlagError) as caught:
        load(NAMES, environment, dotenv or {})
    assert caught.value.__context__ is None  # a chained error could print the value
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return list(caught.value.problems)


def with_crm(**more: str) -> FlagSet:
    return load(NAMES, ALL_ON | more, {})


def test_flags_that_are_all_set_give_no_warning() -> None:
    flags = load(NAMES, ALL_ON, {})
    assert flags.warnings == ()
    assert list(flags.flags) == list(ALL_ON)
    assert {flag.mode for flag in flags.flags.values()} == {Mode.ON}


def test_an_unset_flag_is_off_and_a_warning_names_it() -> None:
    flags = load(NAMES, {}, {})
    assert flags.warnings == tuple(f"{name} is not set: it counts as off" for name in ALL_ON)
    assert {(flag.mode, flag.source) for flag in flags.flags.values()} == {(Mode.OFF, "default")}


@pytest.mark.parametrize("blank", ["", " ", "\u3000\t", None])
def test_a_blank_value_counts_as_unset(blank: str | None) -> None:
    assert load(NAMES, ALL_ON | {"FLAG_CRM": blank}, {})["crm"].source == "default"
    behind = load(NAMES, ALL_ON | {"FLAG_CRM": blank}, {"FLAG_CRM": "hold"})
    assert (behind["crm"].mode, behind["crm"].source) == (Mode.HOLD, ".env")
    assert behind.warnings == ()
    assert load(NAMES, ALL_ON, {"FLAG_CRM": blank}).warnings == ()


def test_the_environment_goes_before_the_file_and_a_shadowed_flag_is_warned_about() -> None:
    dotenv = {"FLAG_CRM": "hold", "FLAG_CRM_PERCENT": "5", "FLAG_CRM_ALLOW": "a@example.com"}
    flags = load(NAMES, ALL_ON | {"FLAG_CRM_PERCENT": "7"}, dotenv)
    crm = flags["crm"]
    assert (crm.mode, crm.source, crm.percent, len(crm.allow)) == (Mode.ON, "environment", 7, 1)
    assert flags.warnings == (
        "FLAG_CRM in .env has no effect: the environment sets it too",
        "FLAG_CRM_PERCENT in .env has no effect: the environment sets it too",
    )


def test_a_shadowed_value_is_not_read() -> None:
    assert load(NAMES, ALL_ON, {"FLAG_CRM": "onn"})["crm"].mode is Mode.ON


@pytest.mark.parametrize("name", ALL_ON)
def test_every_flag_takes_a_percentage_and_an_allow_list(name: str) -> None:
    flags = load(NAMES, ALL_ON, {f"{name}_PERCENT": "２５％", f"{name}_ALLOW": "@example.jp"})
    assert (flags[name].percent, flags[name].allow) == (25, frozenset({"@example.jp"}))
    assert flags.warnings == ()


def test_an_unreadable_mode_names_the_variable_and_the_allowed_words() -> None:
    words = "cannot be read; it must be on (true, 1, yes), off (false, 0, no), hold or dry_run"
    assert problems({"FLAG_CRM": "secret-word"}, {"FLAG_EMAIL": "other"}) == [
        f"FLAG_CRM (in the environment): {words} (dry-run)",
        f"FLAG_EMAIL (in .env): {words} (dry-run)",
    ]


def test_an_unreadable_percentage_is_a_problem_even_while_the_flag_is_off() -> None:
    assert problems({"FLAG_CRM": "off", "FLAG_CRM_PERCENT": "101"}) == [
        "FLAG_CRM_PERCENT (in the environment): cannot be read; it must be a number from 0 to 100"
    ]


def test_each_wrong_entry_of_an_allow_list_is_told_by_position() -> None:
    found = problems({}, {"FLAG_CRM_ALLOW": "a@example.com,yamada,,taro"})
    assert [problem.split(" is ")[0] for problem in found] == [
        "FLAG_CRM_ALLOW (in .env): entry 2",
        "FLAG_CRM_ALLOW (in .env): entry 4",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("FLAG_SMARGEI", "FLAG_SMAREGI"),
        ("FLAG_UPDATE", "FLAG_UPDATES"),
        ("FLAG_CRM_PERCNT", "FLAG_CRM_PERCENT"),
        ("FLAG_SMARGEI_PERCENT", "FLAG_SMAREGI_PERCENT"),
        ("FLAG_EMIAL_ALLOW", "FLAG_EMAIL_ALLOW"),
        ("FLAG_EMAIL_ALOW", "FLAG_EMAIL_ALLOW"),
        ("FLAG_EMAILS", "FLAG_EMAIL"),
        ("flag_crm", "FLAG_CRM"),
        ("Flag_Crm_Percent", "FLAG_CRM_PERCENT"),
        ("FLAG-CRM", "FLAG_CRM"),
    ],
)
def test_a_variable_of_no_flag_is_refused_with_the_nearest_right_name(
    wrong: str, right: str
) -> None:
    for value in ("on", ""):
        for place, found in (
            ("the environment", problems({wrong: value})),
            (".env", problems({}, {wrong: value})),
            ("the environment and .env", problems({wrong: value}, {wrong: value})),
        ):
            assert found == [
                f"{wrong} (in {place}) belongs to no flag; the nearest right name is {right}"
            ]


@pytest.mark.parametrize("name", ["FLAG_", "FLAG_LINE", "FLAG_LINE_PERCENT", "FLAG_X_Y_Z"])
def test_even_a_far_name_is_answered_with_some_right_name(name: str) -> None:
    (problem,) = problems({name: "on"})
    assert problem.startswith(f"{name} (in the environment) belongs to no flag")
    assert problem.rsplit(" ", 1)[1].removesuffix("_PERCENT") in ALL_ON


def test_where_no_flag_exists_at_all_no_name_is_near() -> None:
    with pytest.raises(FlagError, match="the nearest right name is none"):
        load((), {"FLAG_CRM": "on"}, {})


@pytest.mark.parametrize("name", ["FLAG", "FLAGS_CRM", "MY_FLAG_CRM", "GATEWAY_FLAG_CRM", "PATH"])
def test_a_variable_without_the_prefix_is_none_of_our_business(name: str) -> None:
    assert load(NAMES, ALL_ON | {name: "x"}, {name: "x"}).warnings == ()


@pytest.mark.parametrize(
    "name",
    [
        "FLAG_CRM_ALLOW:yamada@example.com",
        "FLAG_山田太郎",
        "\ufeffFLAG_CRM",
        "ＦＬＡＧ_CRM",
        "FLAG_CRM\u3000",
        "FLAG_" + "X" * 9000,
    ],
)
def test_an_odd_name_is_refused_without_being_printed(name: str) -> None:
    (problem,) = problems({}, {name: "on"})
    assert problem.startswith("a name like FLAG_… ")
    assert "FLAG_CRM" in problem or len(name) > 100 or "山" in name
    assert name not in problem
    assert "yamada" not in problem
    assert len(problem) < 200


def test_a_percentage_or_allow_list_of_an_unset_flag_is_warned_about() -> None:
    flags = load(("crm",), {"FLAG_CRM_PERCENT": "5"}, {"FLAG_CRM_ALLOW": "@example.jp"})
    assert flags.warnings == (
        "FLAG_CRM is not set: it counts as off",
        "FLAG_CRM_PERCENT has no effect: FLAG_CRM is not set",
        "FLAG_CRM_ALLOW has no effect: FLAG_CRM is not set",
    )
    assert flags["crm"].decide(1, "a@example.jp").mode is Mode.OFF


def test_an_allow_list_alone_keeps_nobody_out_and_is_warned_about() -> None:
    flags = with_crm(FLAG_CRM_ALLOW="a@example.com")
    assert flags["crm"].decide(1, "b@example.com").mode is Mode.ON
    (warning,) = flags.warnings
    assert warning == (
        "FLAG_CRM_ALLOW changes nothing without FLAG_CRM_PERCENT: FLAG_CRM sends to everybody; "
        "FLAG_CRM_PERCENT=0 sends to the listed only"
    )
    assert with_crm(FLAG_CRM_ALLOW="a@example.com", FLAG_CRM_PERCENT="0").warnings == ()
    assert with_crm(FLAG_CRM_ALLOW="a@example.com", FLAG_CRM="hold").warnings == ()


def test_every_problem_is_told_at_once() -> None:
    environment = {"FLAG_CRM": "maybe", "FLAG_EMAIL_PERCENT": "many", "FLAG_SMARGEI": "on"}
    assert len(problems(dict(environment), {"FLAG_UPDATES_ALLOW": "x", "FLAG_UPDTES": "on"})) == 5


# The space makes every such value unreadable, whichever variable it lands in.
VALUE = st.text().map(lambda text: f"zqj{text} zqj")
VARIABLES = [name + end for name in ALL_ON for end in ("", "_PERCENT", "_ALLOW")]


@given(st.dictionaries(st.sampled_from([*VARIABLES, "FLAG_OTHER", "flag_crm"]), VALUE, min_size=1))
def test_no_value_is_ever_part_of_a_problem(environment: dict[str, str]) -> None:
    for first, second in ((environment, {}), ({}, environment)):
        with pytest.raises(FlagError) as caught:
            load(NAMES, first, second)
        assert "zqj" not in f"{caught.value!s}{caught.value!r}"


@given(st.emails().filter(lambda email: '"' not in email))
def test_no_address_is_ever_part_of_a_set_or_its_warnings(email: str) -> None:
    for text in (email, f"{email},neither"):
        try:
            printed = repr(load(("crm",), {"FLAG_CRM_ALLOW": text}, {"FLAG_CRM_ALLOW": text}))
        except FlagError as error:
            printed = repr(error)
        assert email.lower() not in printed.lower()


def test_a_flag_error_survives_being_handed_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(FlagError(["one", "two"])))
    assert error.problems == ("one", "two")


@pytest.mark.parametrize("names", [("crm", "CRM"), ("crm", "FLAG_CRM"), ("sms", "sms-allow")])
def test_two_flags_of_one_variable_are_a_mistake_of_the_program(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="share a variable"):
        load(names, {}, {})


def test_flags_are_read_only() -> None:
    with pytest.raises(TypeError):
        load(NAMES, ALL_ON, {}).flags["FLAG_CRM"] = None  # type: ignore[index]
