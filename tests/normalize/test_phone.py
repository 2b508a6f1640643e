import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize import Phone, is_mobile, mobile_key, parse_phone, phone_key
from gateway.normalize.numerals import is_made_up

MOBILE = Phone("+819012345678", "090-1234-5678", mobile=True, extension=None)
LANDLINE = Phone("+81312345678", "03-1234-5678", mobile=False, extension=None)


@pytest.mark.parametrize(
    "written",
    [
        "090-1234-5678",
        "09012345678",
        "０９０－１２３４－５６７８",
        "０９０ー１２３４ー５６７８",
        "090 1234 5678",
        "090−1234−5678",
        "090‐1234‐5678",
        "(090)1234-5678",
        "090(1234)5678",
        "090.1234.5678",
        "+81 90-1234-5678",
        "+81(0)90-1234-5678",
        "0081-90-1234-5678",
        "819012345678",
        "携帯:090-1234-5678",
        "090-1234-5678（自宅）",
        "9012345678",
        "090-1234-5678 / 03-1234-5678",
    ],
)
def test_every_way_to_write_a_mobile_number_is_one_number(written: str) -> None:
    assert parse_phone(written) == MOBILE
    assert phone_key(written) == "819012345678"
    assert is_mobile(written)


@pytest.mark.parametrize("written", ["03-1234-5678", "TEL 03(1234)5678", "+81312345678"])
def test_landline_is_no_mobile(written: str) -> None:
    assert parse_phone(written) == LANDLINE
    assert not is_mobile(written)


@pytest.mark.parametrize(
    ("written", "extension"),
    [
        ("03-1234-5678 内線12", "12"),
        ("03-1234-5678（内線：123）", "123"),
        ("03-1234-5678 ext. 99", "99"),
        ("03-1234-5678#7", "7"),
    ],
)
def test_extension_survives_where_smaregi_has_room(written: str, extension: str) -> None:
    phone = parse_phone(written)
    assert phone is not None
    assert phone.extension == extension
    assert phone.national == f"03-1234-5678 x{extension}"
    assert phone.e164 == "+81312345678"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-",
        "なし",
        "未入力",
        "yamada090@example.com",
        "000-0000-0000",
        "12",
        "1" * 10_000,
        "\ud800",
    ],
)
def test_what_is_no_number_is_none(written: str) -> None:
    assert parse_phone(written) is None
    assert phone_key(written) == ""


def test_number_that_cannot_be_in_use_is_kept_for_the_till_and_never_compared() -> None:
    phone = parse_phone("090-0000-0000")
    assert phone == Phone(None, "090-0000-0000", mobile=False, extension=None)
    assert phone_key("090-0000-0000") == ""


def test_number_of_another_country_is_shown_with_its_country() -> None:
    phone = parse_phone("212-555-0100", "US")
    assert phone is not None
    assert phone.e164 == "+12125550100"
    assert phone.national == "+1 212-555-0100"


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("01 42 68 53 00", "FR", "+33142685300"),
        ("(212) 555-0100", "US", "+12125550100"),
        ("1-212-555-0100", "US", "+12125550100"),
        ("2125550100", "US", "+12125550100"),
        ("9123 4567", "HK", "+85291234567"),
        ("852 9123 4567", "HK", "+85291234567"),
        ("8123 4567", "SG", "+6581234567"),
        ("138 0013 8000", "CN", "+8613800138000"),
        ("010-8123-4567", "KR", "+821081234567"),
        ("02-312-3456", "KR", "+8223123456"),
        ("0812-3456-7890", "ID", "+6281234567890"),
        ("06 698 12345", "IT", "+390669812345"),
        ("312 345 6789", "IT", "+393123456789"),
        ("0912-345-678", "TW", "+886912345678"),
        ("030 901820", "DE", "+4930901820"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+81 90-1234-5678", "FR", "+819012345678"),
        ("00 81 90 1234 5678", "FR", "+819012345678"),
        ("0081 90 1234 5678", "US", "+819012345678"),
        ("010 81 90 1234 5678", "DE", "+819012345678"),
        ("+33 6 12 34 56 78", "JP", "+33612345678"),
        ("+1 212 555 0100", "", "+12125550100"),
        ("+1 212 555 0100", "AQ", "+12125550100"),
        ("06-1234-5678", "JP", "+81612345678"),
    ],
)
def test_a_number_belongs_to_the_country_of_the_address(
    written: str, country: str, e164: str
) -> None:
    phone = parse_phone(written, country)
    assert phone is not None
    assert phone.e164 == e164


@pytest.mark.parametrize(
    ("written", "country"),
    [("090-1234-5678", "FR"), ("12 34 56 78", "US"), ("06 12 34 56 78", ""), ("0612345678", "AQ")],
)
def test_a_number_of_nowhere_is_kept_as_written_abroad_and_is_no_strangers(
    written: str, country: str
) -> None:
    assert parse_phone(written, country) == Phone(None, written, mobile=False, extension=None)
    assert mobile_key(written, country) == ""


@pytest.mark.parametrize(
    ("written", "country", "key"),
    [
        ("06 12 34 56 78", "FR", "33612345678"),
        ("01 42 68 53 00", "FR", ""),
        ("090-2345-6701", "JP", "819023456701"),
        ("+81 90 2345 6701", "FR", "819023456701"),
    ],
)
def test_a_mobile_number_abroad_is_compared_with_its_country(
    written: str, country: str, key: str
) -> None:
    assert mobile_key(written, country) == key


@given(st.text() | st.text("0123456789-+() 内線ext０９ー", max_size=40))
def test_any_text_gives_a_number_that_fits_smaregi_or_none(text: str) -> None:
    phone = parse_phone(text)
    assert phone is None or (phone.national.isascii() and 1 <= len(phone.national) <= 20)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("090-2345-6701", "819023456701"),
        ("０９０ー２３４５ー６７０１", "819023456701"),
        ("+81 90 2345 6701", "819023456701"),
        ("03-2345-6701", ""),
        ("0323456701", ""),
        ("090-0000-0000", ""),
        ("090-1111-1111", ""),
        ("080-1234-5678", ""),
        ("09098765432", ""),
        ("-", ""),
        ("", ""),
    ],
)
def test_mobile_numbers_alone_are_one_persons(written: str, key: str) -> None:
    assert mobile_key(written) == key


@given(st.text("0123456789-", max_size=14) | st.from_regex("0[1-9][0-9]?-?[0-9]{3,8}-?[0-9]{4}"))
def test_the_quick_way_to_know_a_mobile_number_agrees_with_the_library(text: str) -> None:
    slow = phone_key(f" {text}") if is_mobile(f" {text}") else ""
    assert mobile_key(text) == ("" if is_made_up(slow[-8:]) else slow)
