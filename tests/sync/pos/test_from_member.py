"""A member's row read back into a profile: what goes there and back says the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.smaregi.from_member import NOT_STATED, UNITS, is_same, value_of
from gateway.channels.smaregi.mapping import member_fields
from gateway.customer import Address, Customer, Profile
from gateway.normalize import parse_address, shopify_address
from gateway.shopify.placing import e164

NOBODY = Profile("taro@example.com", "山田", "太郎")

numbers = st.integers(1, 30)
places = st.sampled_from(
    [
        ("150-0043", "JP-13", "渋谷区", "道玄坂"),
        ("530-0001", "JP-27", "大阪市北区", "梅田"),
        ("604-8005", "JP-26", "京都市中京区", "恵比須町"),
        ("060-0042", "JP-01", "札幌市中央区", "大通西"),
        ("299-4326", "JP-12", "長生郡長生村", "一松"),
        ("", "JP-40", "福岡市中央区", "天神"),
        ("", "", "", "知らない町"),
    ]
)
buildings = st.sampled_from(
    ["", "ABCビル 5F", "コーポ道玄坂203", "101", "メゾン・ド・パリ 3-B", "様方"]
)
forms = st.sampled_from(
    ["{0}-{1}-{2}", "{0}丁目{1}番{2}号", "{0}丁目{1}-{2}", "{0}-{1}", "{0}番地"]
)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    """As Shopify has them: placed by the gateway, or typed in its admin."""
    code, prefecture, city, town = draw(places)
    block = draw(forms).format(draw(numbers), draw(numbers), draw(numbers))
    typed = Address("JP", code, prefecture, city, f"{town}{block}", draw(buildings))
    if draw(st.booleans()):
        return typed
    placed = shopify_address(
        parse_address(
            postal_code=code,
            prefecture=prefecture,
            city=city,
            address1=typed.address1,
            address2=typed.address2,
        )
    )
    return Address(
        "JP", placed.zip, placed.province_code or "", placed.city, placed.address1, placed.address2
    )


names = st.sampled_from(["山田", "髙橋", "﨑山", "Smith", "ﾔﾏﾀﾞ", "山　田", "オ'ニール"])
kana = st.sampled_from(["", "ヤマダ", "たかはし", "ﾔﾏﾀﾞ", "ヴィヨン", "スミス・ジョン", "ミスヾ"])
phones = st.sampled_from(
    ["", "+819012345678", "090-1234-5678", "+81312345678", "03-1234-5678 内線12", "+14155552671"]
)
dates = st.dates().map(lambda day: day.isoformat()).filter(lambda day: day > "1900")
profiles = st.builds(
    Profile,
    email=st.just("taro@example.com"),
    last_name=names,
    first_name=names,
    last_kana=kana,
    first_kana=kana,
    phone=phones,
    birth_date=st.one_of(st.just(""), dates),
    address=st.one_of(st.none(), addresses()),
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(profiles)
def test_what_a_member_was_given_says_the_same_as_the_customer(profile: Profile) -> None:
    row = as_row(profile)
    for unit in UNITS:
        value = value_of(unit, row, profile)
        assert value is not NOT_STATED
        assert is_same(unit, value, profile), (unit, row)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(profiles, profiles)
def test_what_the_till_tells_comes_to_rest_after_one_turn(
    before: Profile, at_till: Profile
) -> None:
    """Till -> Shopify -> member: the member's row and Shopify say the same from then on."""
    row = as_row(at_till)
    after = before
    for unit in UNITS:
        value = value_of(unit, row, before)
        if value is not NOT_STATED:
            after = in_shopify(after, unit, value)
    again = as_row(after)
    for unit in UNITS:
        if value_of(unit, row, before) is NOT_STATED:
            continue
        assert is_same(unit, value_of(unit, row, after), after), (unit, row)  # type: ignore[arg-type]
        assert is_same(unit, value_of(unit, again, after), after), (unit, again)  # type: ignore[arg-type]


def in_shopify(profile: Profile, unit: str, value: Any) -> Profile:
    """Shopify keeps a number as E.164 where it is one."""
    change: dict[str, Any] = {unit: value}
    stated = replace(profile, **change)
    return replace(stated, phone=e164(stated) or stated.phone) if unit == "phone" else stated


def as_row(profile: Profile) -> dict[str, Any]:
    blank = dict.fromkeys(name for names in UNITS.values() for name in names)
    return {**blank, **member_fields(Customer(7, profile))[0]}


@pytest.mark.parametrize(
    ("unit", "row", "value"),
    [
        ("last_name", {"lastName": "未入力"}, NOT_STATED),
        ("last_name", {"lastName": "-"}, NOT_STATED),
        ("last_name", {"lastName": ""}, NOT_STATED),
        ("last_name", {"lastName": " 佐藤 "}, "佐藤"),
        ("last_kana", {"lastKana": ""}, ""),
        ("last_kana", {"lastKana": "ミニュウリョク"}, NOT_STATED),
        ("phone", {"mobileNumber": "", "phoneNumber": ""}, ""),
        ("phone", {"mobileNumber": "-", "phoneNumber": "03-1234-5678"}, "03-1234-5678"),
        ("phone", {"mobileNumber": "なし", "phoneNumber": ""}, NOT_STATED),
        ("birth_date", {"birthDate": None}, ""),
        ("birth_date", {"birthDate": "0000-00-00"}, NOT_STATED),
        ("birth_date", {"birthDate": "S50.1.2"}, "1975-01-02"),
        ("birth_date", {"birthDate": "1900-01-01"}, NOT_STATED),
        ("phone", {"mobileNumber": "", "phoneNumber": "000-0000-0000"}, NOT_STATED),
        (
            "address",
            {"postCode": "000-0000", "address": "東京都渋谷区道玄坂1-2-3"},
            Address("JP", "", "JP-13", "渋谷区", "道玄坂1-2-3", ""),
        ),
        ("address", {"postCode": "000-0000", "address": "未入力"}, NOT_STATED),
        ("address", {"postCode": "", "address": ""}, None),
        ("address", {"postCode": "1500043", "address": "未入力"}, NOT_STATED),
        ("address", {"postCode": "-", "address": "東京都"}, NOT_STATED),
        (
            "address",
            {"postCode": "", "address": "東京都渋谷区道玄坂1-2-3 ABCビル"},
            Address("JP", "", "JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル"),
        ),
        (
            "address",
            {"postCode": "999", "address": "どこかの町"},
            Address("JP", "999", "", "", "どこかの町", ""),
        ),
    ],
)
def test_a_value_of_the_till(unit: str, row: dict[str, Any], value: Any) -> None:
    assert value_of(unit, row, NOBODY) == value


HERE = Address("JP", "150-0043", "JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル 501")


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("東京都渋谷区道玄坂１丁目２番３号 ＡＢＣビル　５０１", True),
        ("渋谷区道玄坂1-2-3 ABCビル501", True),
        ("東京都渋谷区道玄坂1-2-3 ABCビル 502", False),
        ("東京都渋谷区道玄坂1-2-4 ABCビル 501", False),
        ("東京都渋谷区道玄坂1-2-3-501", False),
        ("大阪府大阪市北区梅田1-2-3 ABCビル 501", False),
    ],
)
def test_only_another_place_or_room_is_another_address(line: str, same: bool) -> None:
    row = {"postCode": "150-0043", "address": line}
    current = replace(NOBODY, address=HERE)
    value = value_of("address", row, current)
    assert (value == HERE) is same
    assert isinstance(value, Address)
    assert is_same("address", value, current) is same


def test_a_postal_code_alone_leaves_the_parts_as_they_are() -> None:
    row = {"postCode": "150-0044", "address": "東京都渋谷区道玄坂1-2-3 ABCビル 501"}
    value = value_of("address", row, replace(NOBODY, address=HERE))
    assert value == replace(HERE, postal_code="150-0044")


def test_a_line_abroad_stays_a_line_in_its_country() -> None:
    abroad = Address("US", "94103", "US-CA", "San Francisco", "1 Market St", "")
    row = {"postCode": "94103", "address": "2 Market St San Francisco"}
    value = value_of("address", row, replace(NOBODY, address=abroad))
    assert value == Address("US", "94103", "US-CA", "", "2 Market St San Francisco", "")
