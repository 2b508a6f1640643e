"""The comparison key: the same for one place, however it is written."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.normalize import address_key, parse_address, parse_line, shopify_address, smaregi_line
from tests.normalize.kanji import in_kanji

CASES = Path(__file__).with_name("addresses.txt").read_text(encoding="utf-8").splitlines()[1:]
FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in map(chr, range(0x21, 0x7F))}
TOWNS = (
    "東京都渋谷区道玄坂",
    "東京都港区三田",
    "大阪府大阪市淀川区十三東",
    "北海道札幌市中央区北三条西",
    "沖縄県那覇市泉崎",
    "京都府京都市右京区太秦下角田町",
    "愛知県名古屋市中区錦",
    "新潟県上越市柿崎区柿崎",
    "北海道虻田郡ニセコ町ニセコ",
)
HALF_WIDTH = {
    ord(unicodedata.normalize("NFKC", chr(code))): chr(code) for code in range(0xFF66, 0xFF9E)
}
NUMBERS = st.lists(st.integers(1, 999), min_size=1, max_size=3)


def key(line: str) -> str:
    return address_key(parse_line(line))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("東京都千代田区霞が関1-1-1", "東京都千代田区霞ヶ関一丁目1番1号"),
        ("青森県弘前市大字下白銀町1番地1", "青森県弘前市下白銀町1-1"),
        ("宮城県仙台市泉区根白石字杉下前24", "仙台市泉区根白石杉下前24番地"),
        ("京都市中京区寺町通御池上る上本能寺前町488", "京都府京都市中京区上本能寺前町488番地"),
        ("岩手県九戸郡洋野町種市第23地割27番地", "岩手県洋野町種市23地割27"),
        ("埼玉県浦和市岸町7-10-23", "さいたま市浦和区岸町7丁目10番23号"),
        ("札幌市中央区北3条西6丁目1-1", "北海道札幌市中央区北三条西六丁目1番地1"),
        ("石川県七尾市藤橋町亥45番地1", "石川県七尾市藤橋町 亥 四十五番地1"),
        ("大阪市淀川区西中島5-9-8", "大阪市淀川区西中島5-9-8-501"),
        ("茨城県龍ケ崎市3710番地", "茨城県竜ヶ崎市3710"),
    ],
)
def test_one_place_has_one_key(one: str, other: str) -> None:
    assert key(one) == key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("東京都渋谷区道玄坂1-2-3", "東京都渋谷区道玄坂1-2-4"),
        ("東京都渋谷区道玄坂1-23", "東京都渋谷区道玄坂12-3"),
        ("東京都府中市宮町1-1", "広島県府中市宮町1-1"),
        ("愛媛県松山市北条辻甲12", "愛媛県松山市北条辻乙12"),
    ],
)
def test_two_places_have_two_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize("line", ["", "東京都渋谷区", "東京都渋谷区道玄坂", "なし", "-", "東京都"])
def test_what_is_too_vague_is_not_compared(line: str) -> None:
    assert key(line) == ""


@pytest.mark.parametrize("case", CASES)
def test_width_and_a_building_do_not_change_the_key(case: str) -> None:
    line, *_, block, building = case.split("|")
    assert key(line.translate(FULL_WIDTH)) == key(line)
    if block and not building:
        assert key(f"{line} 青山マンション305号室") == key(line)


@given(st.sampled_from(TOWNS), NUMBERS, st.sampled_from("-‐−－ー―ｰの"), st.booleans())
def test_hyphens_numerals_and_units_do_not_change_the_key(
    town: str, numbers: list[int], hyphen: str, building: bool
) -> None:
    plain = key(town + "-".join(map(str, numbers)))
    units = ("丁目", "番", "号")
    after = "三井ビル5F" if building else ""
    assert key(town + hyphen.join(map(str, numbers)) + after) == plain
    for write in (str, in_kanji):
        parts = [write(number) + unit for number, unit in zip(numbers, units, strict=False)]
        assert key(town + "".join(parts) + after) == plain
    assert key(town + " " + "-".join(map(str, numbers)).translate(FULL_WIDTH)) == plain
    assert key((town + "-".join(map(str, numbers)) + after).translate(HALF_WIDTH)) == plain


@given(st.sampled_from(TOWNS), NUMBERS)
def test_reading_what_was_shown_changes_nothing(town: str, numbers: list[int]) -> None:
    first = parse_line(town + "-".join(map(str, numbers)) + " ABCビル 5F")
    again = parse_line(smaregi_line(first)[0])
    assert (again.city, again.town, again.block, again.building) == (
        first.city,
        first.town,
        first.block,
        first.building,
    )


PIECES = st.sampled_from(
    (
        "東京都",
        "渋谷区",
        "京都市中京区",
        "道玄坂",
        "1",
        "-",
        "ー",
        "一",
        "十",
        "丁目",
        "番地",
        "号",
        "上る",
        "字",
        "大字",
        "〒",
        "150-0043",
        " ",
        "ビル",
        "Ａ",
        "ｶﾞ",
        "\ud800",
        "\U000e0100",
        "゛",
        "府中市",
        "浦和市",
        "市",
        "第",
        "甲",
        "イ",
        "私書箱",
    )
)


@settings(max_examples=300)
@given(st.lists(PIECES | st.characters(), max_size=30).map("".join))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    half = len(text) // 2
    for address in (
        parse_line(text),
        parse_address(prefecture=text[:3], city=text[:half], address1=text[half:], address2=text),
    ):
        line, _ = smaregi_line(address)
        assert len(line) <= 85
        assert address_key(address) is not None
        assert shopify_address(address) is not None
