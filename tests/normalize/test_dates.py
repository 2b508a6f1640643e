from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import parse_birth_date


@pytest.mark.parametrize(
    "written",
    [
        "1990-04-01",
        "19900401",
        "1990/4/1",
        "1990.4.1",
        "1990年4月1日",
        "１９９０年４月１日",
        "平成2年4月1日",
        "平成二年四月一日",
        "H2.4.1",
        "h02-04-01",
        "Ｈ２／４／１",
        "1990-04-01T00:00:00Z",
        "1990年4月1日生まれ",
    ],
)
def test_every_way_to_write_a_day_is_one_day(written: str) -> None:
    assert parse_birth_date(written) == date(1990, 4, 1)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("令和元年5月1日", date(2019, 5, 1)),
        ("昭和六十年十二月二十五日", date(1985, 12, 25)),
        ("大正15年1月2日", date(1926, 1, 2)),
        ("M45.7.29", date(1912, 7, 29)),
    ],
)
def test_eras_are_known(written: str, day: date) -> None:
    assert parse_birth_date(written) == day


@pytest.mark.parametrize(
    "written",
    ["", "1990-02-30", "0000-00-00", "平成0年1月1日", "90-4-1", "abc", "1700-01-01", "9" * 9999],
)
def test_what_is_no_day_is_none(written: str) -> None:
    assert parse_birth_date(written) is None


@given(st.dates(date(1868, 1, 1), date(2100, 1, 1)))
def test_iso_comes_back(day: date) -> None:
    assert parse_birth_date(day.isoformat()) == day


@given(st.text())
def test_any_text_never_raises(text: str) -> None:
    parse_birth_date(text)


@given(st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}") | st.just("1999-02-30"))
def test_the_quick_way_for_plain_text_gives_the_same(text: str) -> None:
    assert parse_birth_date(text) == parse_birth_date(f"{text} ")
