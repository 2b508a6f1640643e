"""Addresses in one line, in tables by rule."""

from pathlib import Path

import pytest

from gateway.normalize import parse_line
from tests.normalize.comparison import same

CASES = Path(__file__).with_name("addresses.txt").read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.parametrize("case", CASES)
def test_address_is_taken_apart(case: str) -> None:
    line, *expected = case.split("|")
    address = parse_line(line)
    prefecture = address.prefecture.ja if address.prefecture else ""
    found = [prefecture, address.city, address.town, address.block, address.building]
    assert all(same(*pair) for pair in zip(found, expected, strict=True)), found
    assert address.understood


@pytest.mark.parametrize(
    "block",
    [
        "1-2-3",
        "１－２－３",
        "1丁目2番3号",
        "一丁目二番三号",
        "1丁目2番地3",
        "1丁目2番地の3",
        "1の2の3",
        "1ノ2ノ3",
        "1丁目2-3",
        "1‐2‐3",
        "1‑2‑3",
        "1‒2‒3",
        "1–2–3",
        "1—2—3",
        "1―2―3",
        "1−2−3",
        "1－2－3",
        "1ー2ー3",
        "1ｰ2ｰ3",
        "1~2~3",
        "1━2━3",
        "1一2一3",
        "一-二-三",
        "1 - 2 - 3",
        "1丁目 2番 3号",
        "一ー二ー三",
        "1丁目2番3",
    ],
)
def test_every_way_to_write_a_block_is_one_block(block: str) -> None:
    address = parse_line(f"東京都渋谷区道玄坂{block}")
    assert (address.town, address.block, address.building) == ("道玄坂", "1-2-3", "")


@pytest.mark.parametrize(
    ("kanji", "digits"),
    [("十", 10), ("二十一", 21), ("一二", 12), ("百二十三", 123), ("一〇五", 105)],
)
def test_kanji_numerals_in_a_block_are_numbers(kanji: str, digits: int) -> None:
    assert parse_line(f"東京都渋谷区道玄坂一丁目{kanji}番地").block == f"1-{digits}"


@pytest.mark.parametrize(
    ("line", "town"),
    [
        ("東京都港区三田1-2-3", "三田"),
        ("東京都新宿区四谷1-2-3", "四谷"),
        ("東京都港区六本木1-2-3", "六本木"),
        ("東京都千代田区一番町1-2-3", "一番町"),
        ("東京都中央区八丁堀1-2-3", "八丁堀"),
        ("東京都千代田区千代田1-2-3", "千代田"),
        ("東京都新宿区二十騎町1-2-3", "二十騎町"),
        ("大阪府大阪市淀川区十三東1-2-3", "十三東"),
        ("東京都千代田区1番町1-2-3", "一番町"),
        ("東京都新宿区百人町1-2-3", "百人町"),
    ],
)
def test_numerals_in_names_stay(line: str, town: str) -> None:
    address = parse_line(line)
    assert (address.town, address.block) == (town, "1-2-3")


@pytest.mark.parametrize(
    ("tail", "building"),
    [
        ("ABCビル5F", "ABCビル5F"),
        (" ABCビル 5F", "ABCビル 5F"),
        ("　ＡＢＣビル５Ｆ", "ABCビル5F"),
        ("三井ビル", "三井ビル"),
        ("-501号室", "501号室"),
        (" 501", "501"),
        (" #501", "#501"),
        ("＃501", "#501"),
        (" 2号棟305", "2号棟305"),
        ("(ABCビル)", "ABCビル"),
        ("、ABCビル", "ABCビル"),
        ("-5F", "5F"),
        ("第2ビル", "第2ビル"),
        ("A101", "A101"),
        ("ｺｰﾎﾟ山田", "コーポ山田"),
        (" 山田様方", "山田様方"),
        (" 3階", "3階"),
        (" パークハイツ 1-101", "パークハイツ 1-101"),
    ],
)
def test_building_and_room_follow_the_block(tail: str, building: str) -> None:
    address = parse_line(f"東京都渋谷区道玄坂1-2-3{tail}")
    assert (address.block, address.building) == ("1-2-3", building)


@pytest.mark.parametrize("tail", ["-501", "-A101"])
def test_room_joined_by_a_hyphen_stays_where_it_was_written(tail: str) -> None:
    address = parse_line(f"東京都渋谷区道玄坂1-2-3{tail}")
    assert (address.block, address.building) == (f"1-2-3{tail}", "")


@pytest.mark.parametrize(
    ("street", "town"),
    [
        ("寺町通御池上る", "上本能寺前町"),
        ("寺町通御池上ル", "上本能寺前町"),
        ("寺町通り御池上がる", "上本能寺前町"),
        ("烏丸通二条下る", "秋野々町"),
        ("三条通河原町西入", "石橋町"),
        ("三条通河原町西入ル", "石橋町"),
        ("河原町通三条上る二丁目", "下丸屋町"),
    ],
)
def test_kyoto_town_follows_the_street(street: str, town: str) -> None:
    address = parse_line(f"京都市中京区{street}{town}488番地")
    assert (address.city, address.town, address.block) == ("京都市中京区", town, "488")
    assert address.street == street
    assert address.line1 == f"{street} {town}488番地"


@pytest.mark.parametrize(
    ("line", "prefecture", "city"),
    [
        ("渋谷区道玄坂1", "東京都", "渋谷区"),
        ("港北区大豆戸町17", "神奈川県", "横浜市港北区"),
        ("横浜市大豆戸町17", "神奈川県", "横浜市港北区"),
        ("港区芝公園4-2-8", "東京都", "港区"),
        ("府中市宮町2-24", "東京都", "府中市"),
        ("府中市府川町315", "広島県", "府中市"),
        ("伊達市鹿島町20-1", "北海道", "伊達市"),
        ("中央区銀座1-1", "東京都", "中央区"),
        ("東郷町春木1", "愛知県", "愛知郡東郷町"),
        ("東京渋谷区道玄坂1", "東京都", "渋谷区"),
        ("東京都東京都渋谷区道玄坂1", "東京都", "渋谷区"),
        ("東京都渋谷区東京都渋谷区道玄坂1", "東京都", "渋谷区"),
        ("東京都八丈町大賀郷2551", "東京都", "八丈島八丈町"),
        ("茨城県竜ヶ崎市3710", "茨城県", "龍ケ崎市"),
        ("岐阜県飛驒市古川町本町2", "岐阜県", "飛騨市"),
        ("日本 東京都渋谷区道玄坂1", "東京都", "渋谷区"),
    ],
)
def test_what_is_missing_is_inferred(line: str, prefecture: str, city: str) -> None:
    address = parse_line(line)
    assert address.prefecture is not None
    assert (address.prefecture.ja, address.city) == (prefecture, city)
    assert address.understood


@pytest.mark.parametrize(
    "line", ["府中市1-2", "伊達市1-2", "中央区1-2-3", "中央区中央1-2-3", "南区1-1"]
)
def test_ambiguous_place_is_not_guessed(line: str) -> None:
    address = parse_line(line)
    assert address.prefecture is None
    assert not address.understood


def test_postal_code_decides_between_places_of_one_name() -> None:
    assert parse_line("〒183-0023 府中市1-2").prefecture == parse_line("東京都府中市1").prefecture


@pytest.mark.parametrize(
    ("line", "city", "town"),
    [
        ("埼玉県浦和市岸町7-10-23", "さいたま市浦和区", "岸町"),
        ("宮城県古川市七日町1-1", "大崎市", "古川七日町"),
        ("静岡県清水市旭町6-8", "静岡市清水区", "旭町"),
        ("静岡県浜松市中区元城町103", "浜松市中央区", "元城町"),
        ("東京都田無市南町5-6-13", "西東京市", "南町"),
        ("三重県久居市新町3006", "津市", "久居新町"),
        ("兵庫県篠山市北新町41", "丹波篠山市", "北新町"),
        ("鹿児島県国分市中央3-45-1", "霧島市", "国分中央"),
    ],
)
def test_merged_municipality_is_found_under_its_new_name(line: str, city: str, town: str) -> None:
    address = parse_line(line)
    assert (address.city, address.town) == (city, town)
    assert "municipality was merged into another" in address.notes


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "あいうえお",
        "東京都港区あいうえお",
        "東京都",
        "350 5th Ave, New York",
        "<b>東京都渋谷区</b>",
        "😀",
        "1-2-3 Dogenzaka, Shibuya-ku, Tokyo",
        "東京都渋谷区道玄坂😀1-2-3",
        "\ud800",
        "x" * 10_000,
        "１" * 10_000,
    ],
)
def test_what_is_no_address_is_not_understood(line: str) -> None:
    assert not parse_line(line).understood


def test_half_of_a_surrogate_pair_is_dropped_and_the_rest_is_read() -> None:
    assert parse_line("東京都渋谷区\ud842道玄坂1-2-3\udfff").line1 == "道玄坂1-2-3"


@pytest.mark.parametrize("building", ["渋谷ヒカリエ", "ABCビル5F", "コーポ山田 201", "離れ2階"])
def test_building_without_a_block_is_still_a_building(building: str) -> None:
    address = parse_line(f"東京都渋谷区道玄坂 {building}")
    assert (address.town, address.block, address.building) == ("道玄坂", "", building)


@pytest.mark.parametrize(
    ("line", "town", "block"),
    [
        ("宮城県仙台市泉区根白石字杉下前24", "根白石字杉下前", "24"),
        ("岩手県九戸郡洋野町種市第23地割27番地", "種市第23地割", "27"),
        ("北海道帯広市稲田町南8線西10番地1", "稲田町南8線西", "10-1"),
        ("石川県輪島市二ツ屋町2字29番地", "二ツ屋町2字", "29"),
        ("新潟県新潟市中央区西堀通6番町866番地", "西堀通6番町", "866"),
        ("愛媛県松山市北条辻甲1234番地5", "北条辻", "甲1234-5"),
        ("石川県七尾市藤橋町亥45番地1", "藤橋町", "亥45-1"),
        ("千葉県旭市ニ1920番地", "ニ", "1920"),
        ("愛知県豊田市西丹波町三五十", "西丹波町三五十", ""),
        ("北海道札幌市中央区北3西6", "北三条西", "6"),
        ("神奈川県足柄下郡箱根町ニノ平1121", "二ノ平", "1121"),
        ("静岡県下田市静岡県下田市四丁目5-26", "四丁目", "5-26"),
    ],
)
def test_named_and_numbered_areas_belong_to_the_town(line: str, town: str, block: str) -> None:
    address = parse_line(line)
    assert (address.town, address.block) == (town, block)


def test_post_office_box_is_no_town() -> None:
    address = parse_line("東京都渋谷区渋谷郵便局私書箱12号")
    assert (address.town, address.block, address.building) == ("", "", "渋谷郵便局私書箱12号")


def test_room_right_after_the_last_unit_is_no_part_of_the_block() -> None:
    address = parse_line("東京都渋谷区道玄坂1丁目2番3号501")
    assert (address.block, address.building) == ("1-2-3", "501")
