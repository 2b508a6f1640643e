"""A sample of `every_town`: the towns of Japan, spelling by spelling, judged strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import address_key, parse_address, parse_line, shopify_address
from tests.normalize.every_town import SPELLINGS, houses, judged

EVERY = 997
"""One town in so many; the command and the long test take more."""


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_towns_are_read_in_every_spelling(spelling: str) -> None:
    _, wrong = judged(spelling, EVERY)
    assert wrong == []


@pytest.mark.long
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_hardly_any_town_in_japan_is_missed(spelling: str) -> None:
    count, wrong = judged(spelling, 7)
    assert len(wrong) <= count / 500, wrong[:20]


def test_different_houses_have_different_keys() -> None:
    for key, others in houses(EVERY):
        assert key
        assert len({key, *others}) == 1 + len(others), (key, others)


LETTERS = st.sampled_from(["", "甲", "イ", "北", "A"])
NUMBER = st.integers(1, 99)


@given(LETTERS, NUMBER, LETTERS, NUMBER, LETTERS, NUMBER)
def test_different_houses_of_one_chome_have_different_keys(
    a: str, one: int, b: str, two: int, c: str, three: int
) -> None:
    """Letters before the second number and behind the last tell houses apart as numbers do."""
    town = "東京都渋谷区道玄坂"
    before = {"北": f"北{two}番", "A": f"{two}番", "": f"{two}番"}.get(b, f"{b}{two}番")
    behind = "" if c in ("北", "A") else c
    key = address_key(parse_line(f"{town}{one}丁目{before}{three}{behind}"))
    plain = address_key(parse_line(f"{town}{one}丁目{two}番{three}"))
    assert (key == plain) == (f"{one}丁目{two}番{three}" == f"{one}丁目{before}{three}{behind}")
    assert key != address_key(parse_line(f"{town}{one}丁目{before}{three + 1}{behind}"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("富山県富山市五福6612番地イ", "富山県富山市五福6612-イ"),
        ("富山県富山市五福6612番地のイ", "富山県富山市五福6612イ"),
        ("大阪府大阪市中央区上町A番12号", "大阪府大阪市中央区上町Ａ-12"),
        ("広島県福山市本通1丁目北4番1号", "広島県福山市本通一丁目北4-1"),
        ("新潟県長岡市関原町3丁目甲486番地1", "新潟県長岡市関原町3-甲486-1"),
        ("東京都八王子市子安1-2-3", "東京都八王子市子安町一丁目2番3号"),
        ("東京都杉並区阿佐ヶ谷南1-2-3", "東京都杉並区阿佐谷南1丁目2番3号"),
        ("東京都千代田区鍛治町1-2", "東京都千代田区鍛冶町1-2"),
        ("宮城県塩釜市旭町1-1", "宮城県塩竈市旭町1-1"),
        ("東京都新宿西新宿3 7 1", "東京都新宿区西新宿3-7-1"),
        ("札幌市白石区東札幌3-1-1-1", "札幌市白石区東札幌三条1丁目1番1号"),
        ("東京都\ufa1c国市1-1", "東京都靖国市1-1"),
    ],
)
def test_one_house_has_one_key_in_every_spelling(one: str, other: str) -> None:
    assert address_key(parse_line(one)) == address_key(parse_line(other)) != ""


@given(
    st.text("東京都渋谷区道玄坂子安町一二三123-ー の甲イA番号丁目ビル室 　なし", max_size=24),
    st.text(max_size=8),
)
def test_nothing_that_was_written_is_lost_where_it_was_not_understood(text: str, more: str) -> None:
    address = parse_address(city=text, address1=more, address2=text)
    if not address.understood and not address.city:
        placed = shopify_address(address)
        assert (placed.city, placed.address1, placed.address2) == (text, more, text)
