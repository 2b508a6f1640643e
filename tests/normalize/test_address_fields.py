"""Addresses in fields, however the customer split them, and what each system gets."""

import pytest

from gateway.normalize import (
    ShopifyAddress,
    parse_address,
    parse_line,
    shopify_address,
    smaregi_line,
)

WHOLE = ShopifyAddress("JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル 5F", "150-0043")


@pytest.mark.parametrize(
    "fields",
    [
        {
            "prefecture": "東京都",
            "city": "渋谷区",
            "address1": "道玄坂1-2-3",
            "address2": "ABCビル 5F",
        },
        {
            "prefecture": "Tokyo",
            "city": "渋谷区",
            "address1": "道玄坂１－２－３",
            "address2": "ＡＢＣビル　５Ｆ",
        },
        {"prefecture": "東京都", "city": "渋谷区", "address1": "道玄坂1-2-3 ABCビル 5F"},
        {
            "prefecture": "東京都",
            "city": "渋谷区道玄坂",
            "address1": "1-2-3",
            "address2": "ABCビル 5F",
        },
        {
            "prefecture": "東京都",
            "city": "渋谷区",
            "address1": "道玄坂",
            "address2": "1-2-3 ABCビル 5F",
        },
        {
            "prefecture": "東京都",
            "city": "渋谷区",
            "address1": "ABCビル 5F",
            "address2": "道玄坂1-2-3",
        },
        {
            "prefecture": "東京都",
            "city": "東京都渋谷区",
            "address1": "道玄坂1-2-3",
            "address2": "ABCビル 5F",
        },
        {"prefecture": "東京都", "city": "渋谷区", "address1": "渋谷区道玄坂1-2-3 ABCビル 5F"},
        {"prefecture": "JP-13", "address1": "東京都渋谷区道玄坂1-2-3ABCビル 5F"},
        {"address1": "東京都渋谷区道玄坂1-2-3", "address2": "ABCビル 5F"},
        {"prefecture": "東京都渋谷区", "address1": "道玄坂1-2-3", "address2": "ABCビル 5F"},
        {
            "prefecture": "Tokyo",
            "city": "Shibuya-ku",
            "address1": "道玄坂1-2-3",
            "address2": "ABCビル 5F",
        },
        {"address1": "道玄坂1-2-3", "address2": "ABCビル 5F"},
        {
            "prefecture": "東京都",
            "city": "渋谷区",
            "address1": "道玄坂1-2-3",
            "address2": "東京都渋谷区道玄坂1-2-3 ABCビル 5F",
        },
    ],
)
def test_parts_come_to_their_places(fields: dict[str, str]) -> None:
    address = parse_address(postal_code="1500043", **fields)
    assert shopify_address(address) == WHOLE
    assert smaregi_line(address) == ("東京都渋谷区道玄坂1-2-3 ABCビル 5F", False)
    assert address.understood


def test_display_keeps_the_way_of_writing() -> None:
    address = parse_address(
        prefecture="東京都", city="千代田区", address1="霞ヶ関一丁目2番3号", address2="澤田ﾋﾞﾙ ３階"
    )
    assert shopify_address(address).address1 == "霞ヶ関一丁目2番3号"
    assert shopify_address(address).address2 == "澤田ビル 3階"
    assert (address.town, address.block) == ("霞が関", "1-2-3")


def test_number_in_address2_goes_before_the_building_in_address1() -> None:
    address = parse_address(
        prefecture="東京都", city="渋谷区", address1="道玄坂 ABCビル", address2="1-2-3 5F"
    )
    assert shopify_address(address).address1 == "道玄坂1-2-3"
    assert shopify_address(address).address2 == "ABCビル 5F"


def test_building_that_begins_like_a_town_is_still_a_building() -> None:
    address = parse_address(
        prefecture="岩手県",
        city="盛岡市",
        address1="青山マンション305号室",
        address2="本町通3丁目8-37",
    )
    assert shopify_address(address).address1 == "本町通3丁目8-37"
    assert shopify_address(address).address2 == "青山マンション305号室"


def test_block_that_goes_on_in_address2_is_joined() -> None:
    address = parse_address(
        prefecture="東京都", city="渋谷区", address1="道玄坂1丁目", address2="2番3号 ABCビル"
    )
    assert (address.block, address.building) == ("1-2-3", "ABCビル")


def test_missing_designated_city_is_filled_in() -> None:
    address = parse_address(prefecture="神奈川県", city="港北区", address1="大豆戸町17番地11")
    assert shopify_address(address).city == "横浜市港北区"


def test_postal_code_that_contradicts_is_noted_and_the_text_wins() -> None:
    address = parse_address(
        postal_code="530-0001", prefecture="東京都", city="渋谷区", address1="道玄坂1-2-3"
    )
    assert shopify_address(address).city == "渋谷区"
    assert address.notes == ("postal_code contradicts the address",)
    assert address.postal_code == "530-0001"


def test_prefecture_that_the_town_contradicts_is_noted_and_mended() -> None:
    address = parse_address(prefecture="大阪府", city="渋谷区", address1="道玄坂1-2-3")
    assert shopify_address(address).province_code == "JP-13"
    assert address.notes == ("prefecture contradicts the address",)


def test_prefecture_is_believed_where_nothing_but_a_name_contradicts() -> None:
    address = parse_address(prefecture="大阪府", city="渋谷区", address1="あいう1-2-3")
    assert not address.understood
    assert shopify_address(address) == ShopifyAddress("JP-27", "渋谷区", "あいう1-2-3", "", "")


@pytest.mark.parametrize(
    ("city", "line", "code"),
    [
        ("中央区", "日本橋兜町15-18", ""),
        ("中央区", "あいう2-3", "103-0026"),
        ("札幌市中央区", "日本橋兜町15-18", "103-0026"),
    ],
)
def test_where_no_two_parts_agree_the_address_passes_as_it_came(
    city: str, line: str, code: str
) -> None:
    address = parse_address(postal_code=code, prefecture="北海道", city=city, address1=line)
    assert not address.understood
    assert shopify_address(address) == ShopifyAddress("JP-01", city, line, "", code)


def test_a_post_office_box_is_the_first_line() -> None:
    for line in ("渋谷郵便局私書箱12号", "東京都渋谷区渋谷郵便局私書箱12号"):
        address = parse_address(prefecture="東京都", city="渋谷区", address1=line)
        placed = shopify_address(address)
        assert (placed.address1, placed.address2) == ("渋谷郵便局私書箱12号", "")
        assert parse_line(smaregi_line(address)[0]).building == "渋谷郵便局私書箱12号"


def test_ward_that_two_fields_repeat_is_written_once() -> None:
    address = parse_address(
        prefecture="神奈川県", city="横浜市港北区", address1="港北区大豆戸町17番地11"
    )
    assert smaregi_line(address)[0] == "神奈川県横浜市港北区大豆戸町17番地11"


def test_town_that_begins_like_its_municipality_is_no_repetition() -> None:
    address = parse_address(prefecture="東京都", city="渋谷区", address1="渋谷2-21-1")
    assert shopify_address(address).address1 == "渋谷2-21-1"


def test_address_abroad_passes_as_it_came() -> None:
    fields = {"city": "渋谷区", "address1": "道玄坂１", "address2": "", "postal_code": "1500043"}
    address = parse_address(country="US", **fields)
    assert not address.understood
    assert shopify_address(address) == ShopifyAddress(None, "渋谷区", "道玄坂１", "", "1500043")


@pytest.mark.parametrize(
    "fields",
    [
        {
            "city": "New York",
            "address1": "350 5th Ave",
            "address2": "Floor 1",
            "postal_code": "10118",
        },
        {"city": "渋谷", "address1": "ＡＢＣ　１", "address2": "<script>", "postal_code": "abc"},
        {"address1": "x" * 10_000},
    ],
)
def test_what_is_not_understood_passes_as_it_came(fields: dict[str, str]) -> None:
    address = parse_address(**fields)
    came = {"city": "", "address1": "", "address2": "", "postal_code": "", **fields}
    assert not address.understood
    assert shopify_address(address) == ShopifyAddress(
        None, came["city"], came["address1"], came["address2"], came["postal_code"]
    )
    line, cut = smaregi_line(address)
    assert len(line) <= 85
    assert cut == (len(came["address1"]) > 85)


def test_smaregi_line_is_cut_at_a_word_and_says_so() -> None:
    address = parse_address(
        prefecture="東京都",
        city="渋谷区",
        address1="道玄坂1-2-3",
        address2="とても長い名前の建物 " * 6 + "西館アネックスタワー 12345号室",
    )
    line, cut = smaregi_line(address)
    assert cut
    assert len(line) <= 85
    assert line.endswith("とても長い名前の建物")
    assert not smaregi_line(address, limit=200)[1]


def test_smaregi_line_is_never_cut_within_a_number() -> None:
    address = parse_address(
        prefecture="東京都", city="渋谷区", address1="道玄坂1-2-3", address2="建" * 68 + "12345号室"
    )
    assert smaregi_line(address)[0].endswith("建")
