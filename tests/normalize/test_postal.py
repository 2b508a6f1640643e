import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import clean_postal_code, postal_key
from gateway.normalize.postal import cities_of_postal_code, take_postal_code


@pytest.mark.parametrize(
    "written",
    [
        "150-0043",
        "1500043",
        "〒150-0043",
        "１５０－００４３",
        "150ー0043",
        " 150 0043 ",
        "〒1500043",
    ],
)
def test_every_way_to_write_a_postal_code_is_one(written: str) -> None:
    assert clean_postal_code(written) == "150-0043"


@pytest.mark.parametrize(
    "written", ["", "150-004", "15000430", "10118", "abc", "150-00-43", "1" * 9999]
)
def test_what_is_no_postal_code_is_none(written: str) -> None:
    assert clean_postal_code(written) is None


def test_code_points_to_its_municipalities() -> None:
    assert [city.name for city in cities_of_postal_code("150-0043")] == ["渋谷区"]
    assert {city.name for city in cities_of_postal_code("004-0000")} >= {
        "札幌市厚別区",
        "札幌市清田区",
    }
    assert [city.name for city in cities_of_postal_code("060-8621")] == ["札幌市中央区"]
    assert cities_of_postal_code("999-9999") == ()


@pytest.mark.parametrize(
    ("line", "code", "rest"),
    [
        ("〒150-0043 東京都渋谷区", "150-0043", "東京都渋谷区"),
        ("150-0043東京都渋谷区", "150-0043", "東京都渋谷区"),
        ("東京都渋谷区道玄坂1-2-3 〒150-0043", "150-0043", "東京都渋谷区道玄坂1-2-3"),
        ("東京都渋谷区道玄坂150-0043", "", "東京都渋谷区道玄坂150-0043"),
        ("03-1234-5678", "", "03-1234-5678"),
    ],
)
def test_code_is_taken_out_of_a_line_where_it_is_one(line: str, code: str, rest: str) -> None:
    assert take_postal_code(line) == (code, rest)


@given(st.text())
def test_any_text_gives_a_code_or_none(text: str) -> None:
    code = clean_postal_code(text)
    assert code is None or len(code) == 8


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("150-0043", "1500043"),
        ("〒１５０ー００４３", "1500043"),
        ("000-0000", ""),
        ("123-4567", ""),
        ("-", ""),
    ],
)
def test_a_code_that_fills_a_field_is_not_compared(written: str, key: str) -> None:
    assert postal_key(written) == key
