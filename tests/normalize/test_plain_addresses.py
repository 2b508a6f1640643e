"""Most addresses are written as the post writes them: read at once, and as all others would be."""

import itertools
import re
from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import ParsedAddress, parse_address
from gateway.normalize import address as address_module
from gateway.normalize import details as details_module
from gateway.normalize import reading as reading_module
from gateway.normalize.characters import HYPHENS
from gateway.normalize.details import read_details
from gateway.normalize.places import City, places

T = TypeVar("T")
SEPARATORS = ("丁目", "番", "番地", *HYPHENS)
ENDS = ("", "号", "番", "番地", "丁目")
IN_KANJI = ("", "", "三丁目", "十二丁目", "二十丁目", "二十一丁目", "一", "三五十丁目", "十字丁目")
TAILS = (
    *("1-2-3", "12", "1丁目2番3号", "9999-1", "2番地の3", "3-5 ABCビル 5F", "1番町5", "2丁目"),
    "三丁目2番3号",
)


@cache
def homes(every: int) -> list[tuple[str, City, str]]:
    """Of so many codes one, if it is of one town; with its municipality and town."""
    codes = (f"{code:07}" for code in places().codes[::every])
    found = ((code, places().town_of_postal_code(code)) for code in codes)
    return [(code, *named) for code, named in found if named]


def searched(read: Callable[[], T]) -> T:
    """What is read if nothing is read at once."""
    never = re.compile("(?!)")
    with (
        patch.object(address_module, "_at_once", return_value=None),
        patch.object(address_module, "_has_numbers", return_value=True),
        patch.object(reading_module, "_by_the_post", return_value=None),
        patch.object(details_module, "_PLAIN", never),
    ):
        return read()


def numbers(*, most: int) -> st.SearchStrategy[str]:
    number = st.integers(1, most).map(str)
    pair = st.tuples(number, st.sampled_from([*SEPARATORS, "の", " ", "-0"]))
    pairs = st.lists(pair, min_size=1, max_size=4).map(
        lambda made: "".join(map("".join, made[:-1])) + made[-1][0]
    )
    return st.tuples(pairs, st.sampled_from(ENDS)).map("".join)


BUILDINGS = st.text("ABCビル5１ 　階号棟室字大町市区東渋谷道1-ー（)なし同上のFイ甲", max_size=8) | (
    st.sampled_from(["郵便局私書箱3号", "なし", "101号室", "市営住宅3", "2番3号"])
)


@given(st.data())
def test_a_plain_address_is_read_as_a_search_would_read_it(data: st.DataObject) -> None:
    code, city, town = data.draw(st.sampled_from(homes(97)))
    prefecture = data.draw(st.sampled_from([city.prefecture.code, city.prefecture.ja, "JP-13", ""]))
    begin = town + data.draw(st.sampled_from(IN_KANJI))
    street = begin + data.draw(numbers(most=12_000)) + data.draw(BUILDINGS)
    again = st.sampled_from(
        [street, f"{city.name}{street} ABC", f"{city.name}{town} 3", f"{town}2"]
    )
    building = data.draw(BUILDINGS | again)

    def read() -> ParsedAddress:
        return parse_address(
            postal_code=code,
            prefecture=prefecture,
            city=city.name,
            address1=street,
            address2=building,
        )

    assert read() == searched(read)


@pytest.mark.long
@pytest.mark.parametrize("tail", TAILS)
def test_every_seventh_town_of_japan_is_read_as_a_search_would_read_it(tail: str) -> None:
    for code, city, town in homes(7):

        def read(code: str = code, city: City = city, town: str = town) -> ParsedAddress:
            return parse_address(
                postal_code=code,
                prefecture=city.prefecture.code,
                city=city.name,
                address1=town + tail,
                address2="ABCビル 5F",
            )

        assert read() == searched(read)


@given(numbers(most=12_000), BUILDINGS | st.text(max_size=3), st.sampled_from(["", " "]))
def test_plain_numbers_are_what_the_parts_of_a_block_make(
    block: str, building: str, between: str
) -> None:
    text = block + between + building
    assert read_details(text) == searched(lambda: read_details(text))


def test_a_name_behind_plain_numbers_is_read_as_a_search_would_read_it() -> None:
    """By each character with which one may begin that is read at once."""
    begins = [*map(chr, range(0x20, 0x2000)), *map(chr, range(0x3000, 0xA000))]
    begins = [char for char in begins if details_module._PLAIN.fullmatch(f"1 {char}")]
    assert {*"ABCコ"} <= {*begins}
    rests = ("", "3", "ル", "K", "DK", "町", "の3", " 2-3")
    each = itertools.product(("1", "1-2", "3号"), begins, rests)
    texts = [f"{block} {begin}{rest}" for block, begin, rest in each]
    assert [*map(read_details, texts)] == searched(lambda: [*map(read_details, texts)])


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 2, 3])
def test_all_plain_numbers_are_what_the_parts_of_a_block_make(count: int) -> None:
    written = ("1", "12", "10000")
    for each in itertools.product(written, repeat=count):
        for between in itertools.product(SEPARATORS, repeat=count - 1):
            for end in ENDS:
                text = "".join(map("".join, zip(each, (*between, end), strict=True)))
                assert read_details(text) == searched(partial(read_details, text)), text


def test_a_plain_address_is_not_searched_for() -> None:
    with (
        patch.object(address_module, "_best", side_effect=AssertionError),
        patch.object(reading_module, "read_municipality", side_effect=AssertionError),
        patch.object(details_module, "read_block", side_effect=AssertionError),
    ):
        found = parse_address(
            postal_code="150-0043",
            prefecture="JP-13",
            city="渋谷区",
            address1="道玄坂1-2-3",
            address2="ABCビル 5F",
        )
    assert (found.city, found.town, found.block) == ("渋谷区", "道玄坂", "1-2-3")
    assert (found.line1, found.building, found.understood) == ("道玄坂1-2-3", "ABCビル 5F", True)


@pytest.mark.parametrize("street", ["洗馬三丁目 郵便局私書箱3号", "洗馬3丁目 郵便局私書箱3号"])
def test_a_post_office_box_is_searched_for(street: str) -> None:
    def read() -> ParsedAddress:
        return parse_address(
            postal_code="399-6462", prefecture="JP-20", city="塩尻市", address1=street
        )

    assert read() == searched(read)


@pytest.mark.parametrize(
    ("code", "city", "address1", "town"),
    [
        ("876-0044", "佐伯市", "高畠1-2-3", "高畑"),
        ("061-0622", "樺戸郡浦臼町", "晩生内第21-2-3", "晩生内第21"),
        ("604-8187", "京都市中京区", "笹屋町1-2-3", "笹屋町"),
    ],
)
def test_a_name_that_tells_too_little_is_searched_for(
    code: str, city: str, address1: str, town: str
) -> None:
    found = parse_address(postal_code=code, prefecture="", city=city, address1=address1)
    known = found.prefecture
    assert known is not None
    again = parse_address(postal_code=code, prefecture=known.code, city=city, address1=address1)
    assert again.town == found.town == town
