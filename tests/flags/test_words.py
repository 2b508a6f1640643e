import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags import Mode
from flags.words import read_mode, read_percent

WORDS = {
    Mode.ON: ["on", "true", "1", "yes"],
    Mode.OFF: ["off", "false", "0", "no"],
    Mode.HOLD: ["hold"],
    Mode.DRY_RUN: ["dry_run", "dry-run"],
}
EVERY_WORD = [(word, mode) for mode, words in WORDS.items() for word in words]
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@pytest.mark.parametrize(("word", "mode"), EVERY_WORD)
@pytest.mark.parametrize("space", ["", " ", "\t", "\u3000", "\r\n", "\u00a0"])
def test_a_mode_word_is_read_in_any_case_between_any_spaces(
    word: str, mode: Mode, space: str
) -> None:
    for written in (word, word.upper(), word.capitalize(), word.translate(FULL_WIDTH)):
        assert read_mode(space + written + space) is mode


@pytest.mark.parametrize(
    "word",
    [
        "onn",
        "o n",
        "2",
        "-1",
        "01",
        "y",
        "n",
        "t",
        "enabled",
        "none",
        "null",
        "dryrun",
        "dry run",
        '"on"',
        "on # later",
        "on,off",
        "はい",
        "dry--run",
        "on\x00",
    ],
)
def test_any_other_word_is_not_read_as_a_mode(word: str) -> None:
    assert read_mode(word) is None


@given(st.text())
def test_only_the_listed_words_are_ever_read_as_a_mode(text: str) -> None:
    known = text.strip().lower() in dict(EVERY_WORD)
    assert known <= (read_mode(text) is not None)
    if text.isascii():
        assert (read_mode(text) is not None) == known


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0", 0.0),
        ("25", 25.0),
        ("25%", 25.0),
        (" 25 % ", 25.0),
        ("12.5", 12.5),
        (".5", 0.5),
        ("007", 7.0),
        ("100", 100.0),
        ("100.0%", 100.0),
        ("\u3000２５\u3000", 25.0),
        ("１２．５％", 12.5),
    ],
)
def test_a_percentage_is_a_decimal_number_with_an_optional_sign(text: str, percent: float) -> None:
    assert read_percent(text) == percent


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "-0",
        "+5",
        "100.1",
        "101",
        "1e1",
        "nan",
        "inf",
        "1_0",
        "12,5",
        "5.",
        ".",
        "%",
        "25%%",
        "quarter",
        "0x10",
        "٢٥",
        "二十五",
        "1/4",
        "2 5",
        "9" * 5000,
    ],
)
def test_anything_but_a_number_from_0_to_100_is_no_percentage(text: str) -> None:
    assert read_percent(text) is None


@given(st.floats(0, 100).map(lambda number: f"{number:.12f}"))
def test_every_number_from_0_to_100_is_read_as_itself(text: str) -> None:
    assert read_percent(text) == float(text)


@given(st.text())
def test_no_text_breaks_the_reading_of_a_percentage(text: str) -> None:
    percent = read_percent(text)
    assert percent is None or 0 <= percent <= 100
