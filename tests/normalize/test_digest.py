"""The digest of a place: one text for one place, by the postal code or by the parser."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import place_digest
from gateway.normalize.places import places
from tests.normalize.kanji import in_kanji

FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in map(chr, range(0x21, 0x7F))}
HALF_WIDTH_KANA = str.maketrans({"ー": "ｰ", "ビ": "ﾋﾞ", "ル": "ﾙ"})
TOWNS = (
    ("150-0043", "東京都", "渋谷区", "道玄坂"),
    ("100-0013", "東京都", "千代田区", "霞が関"),
    ("532-0023", "大阪府", "大阪市淀川区", "十三東"),
    ("060-0003", "北海道", "札幌市中央区", "北三条西"),
    ("900-0021", "沖縄県", "那覇市", "泉崎"),
    ("460-0003", "愛知県", "名古屋市中区", "錦"),
    ("949-3216", "新潟県", "上越市", "柿崎区柿崎"),
    ("604-8187", "京都府", "京都市中京区", "笹屋町"),
)
BUILDINGS = ("", " ABCビル 5F", " 三井ビル", "　青山マンション３０５号室", " コーポ人形町201")


@pytest.mark.parametrize(
    ("code", "line", "digest"),
    [
        ("150-0043", "東京都渋谷区道玄坂1-2-3", "JP-13|渋谷区|道玄坂|1-2"),
        ("1500043", "渋谷区道玄坂1丁目2番3号", "JP-13|渋谷区|道玄坂|1-2"),
        ("〒１５０－００４３", "道玄坂一丁目２－３", "JP-13|渋谷区|道玄坂|1-2"),
        ("150-0043", "1-2-3 ABCビル", "JP-13|渋谷区|道玄坂|1-2"),
        ("150-0043", "渋谷区 一丁目二番三号", "JP-13|渋谷区|道玄坂|1-2"),
        ("150-0043", "道玄坂12番地", "JP-13|渋谷区|道玄坂|12"),
        ("", "東京都渋谷区道玄坂1-2-3", "JP-13|渋谷区|道玄坂|1-2"),
        ("036-8207", "弘前市大字上瓦ケ町1番地の2", "JP-02|弘前市|上瓦ケ町|1-2"),
        ("799-2430", "愛媛県松山市北条辻甲12", "JP-38|松山市|北条辻|甲12"),
        ("150-0043", "大阪府大阪市北区梅田1-2-3", "JP-27|大阪市北区|梅田|1-2"),
        ("150-0043", "道玄坂1-2号室", "JP-13|渋谷区|道玄坂|1"),
        ("150-0043", "東京都渋谷区道玄坂", ""),
        ("150-0043", "東京都渋谷区", ""),
        ("150-0043", "未入力", ""),
        ("", "1-2-3", ""),
        ("000-0000", "-", ""),
        ("", "", ""),
    ],
)
def test_the_town_and_its_first_two_numbers(code: str, line: str, digest: str) -> None:
    assert place_digest(code, address1=line) == digest


def test_however_the_fields_are_split() -> None:
    expected = "JP-13|渋谷区|道玄坂|1-2"
    for fields in (
        ("150-0043", "JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル 5F"),
        ("150-0043", "東京都", "渋谷区", "道玄坂", "1-2-3"),
        ("150-0043", "Tokyo", "渋谷区道玄坂", "1-2-3", ""),
        ("150-0043", "", "", "ABCビル", "道玄坂1-2-3"),
        ("", "JP-13", "渋谷区", "道玄坂1丁目", "2-3"),
    ):
        assert place_digest(*fields) == expected, fields


@given(
    st.sampled_from(TOWNS),
    st.lists(st.integers(1, 999), min_size=1, max_size=3),
    st.sampled_from("-‐−－ー―ｰの"),
    st.sampled_from(BUILDINGS),
)
def test_every_writing_of_one_address_has_one_digest(
    town: tuple[str, ...], numbers: list[int], hyphen: str, building: str
) -> None:
    code, *names = town
    plain = "-".join(map(str, numbers))
    written = [hyphen.join(map(str, numbers)), plain.translate(FULL_WIDTH)]
    for write in (str, in_kanji):
        units = zip(numbers, ("丁目", "番", "号"), strict=False)
        written.append("".join(write(number) + unit for number, unit in units))
    whole = "".join(names)
    expected = place_digest(address1=whole + plain)
    assert expected.endswith("|" + "-".join(map(str, numbers[:2])))
    for block in written:
        for begin in (whole, " ".join(names), "".join(names[1:])):
            line = begin + block + building
            assert place_digest(code, address1=line) == expected, line
            assert place_digest(code, address1=line.translate(HALF_WIDTH_KANA)) == expected, line
        assert place_digest(address1=whole + block + building) == expected
        assert place_digest(code, names[0], names[1], names[2] + block, building) == expected


def test_the_postal_code_and_the_parser_agree_all_over_japan() -> None:
    for code in places().codes[::150]:
        found = places().town_of_postal_code(f"{code:07}")
        if found is not None:
            city, town = found
            line = f"{city.prefecture.ja}{city.name}{town} 5-12-3"
            digest = place_digest(f"{code:07}", address1=line)
            assert digest == place_digest(address1=line) != "", line


@given(st.text(max_size=40), st.text(max_size=12) | st.sampled_from([t[0] for t in TOWNS]))
def test_any_text_is_read_without_an_exception(text: str, code: str) -> None:
    half = len(text) // 2
    for fields in ((code, "", "", text), (code, text[:half], text, text[half:], text)):
        assert isinstance(place_digest(*fields), str)


def test_a_plain_address_with_its_postal_code_takes_ten_microseconds() -> None:
    lines = [f"東京都渋谷区道玄坂{n}-2-3 ABCビル 5F" for n in range(500)]

    def seconds() -> float:
        began = time.perf_counter()
        for line in lines:
            place_digest("150-0043", address1=line)
        return (time.perf_counter() - began) / len(lines)

    assert min(seconds() for _ in range(5)) < 0.00001
