"""Phone numbers: E.164 for Shopify, the form people know for Smaregi, digits to compare."""

import re
import unicodedata
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from gateway import frozen
from gateway.normalize.characters import HYPHENS, scrub
from gateway.normalize.numerals import is_made_up

_NATIONAL_LIMIT: Final = 20
"""Smaregi's columns phoneNumber and mobileNumber: 1 to 20 ASCII characters."""

_LONGEST: Final = 100
_HYPHEN: Final = str.maketrans(dict.fromkeys(HYPHENS, "-"))
_NUMBER: Final = re.compile(
    r"(?:^|(?<=[^0-9a-z.,@]))(?P<number>\+?\(?[0-9][0-9()\s./-]{5,28}[0-9])"
    r"(?:\s*[,;/]?[\s(]*(?:内線(?:番号)?|ext(?:ension)?|x|#)[.:=\s-]*(?P<extension>[0-9]{1,7})\)?)?"
    r"(?![0-9])",
    re.IGNORECASE,
)
_TWO_NUMBERS: Final = re.compile(r"[/,、;]\s*(?=\+?0[0-9(])|\s(?=0[0-9]{1,4}-)")
_JAPAN_ABROAD: Final = re.compile(r"\(?(?:\+|00|010)-?81\)?")
_DIALLED_ABROAD: Final = re.compile(r"(?:00|010|011)[\s-]?(?=[1-9])")
"""What people dial before a country's code, wherever they are."""


_MOBILE: Final = re.compile(r"(?:0|\+81)([789]0)-?([1-9][0-9]{3})-?([0-9]{4})")
"""Most numbers are mobile ones written plainly: the same answer, without the library's 0.2 ms."""


_PLAIN_LANDLINE: Final = re.compile(
    "0(?![6-9]0|0|10)(?:[0-9]{8,9}|[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4})"
)
"""No mobile number, whatever the library would say of it."""


@frozen
class Phone:
    """One number. `e164` is None where the number has the right length but cannot be in use.

    `national` is ASCII of 1 to 20 characters and ends in ` x12` for extension 12 where that fits.
    """

    e164: str | None
    national: str
    mobile: bool
    extension: str | None


@lru_cache(1024)
def parse_phone(text: str, country: str = "JP") -> Phone | None:
    """The first number in the text; None where there is none.

    `country`: ISO 3166 alpha-2, of the person's address ('' if it is not known): 06 12 34 56 78 is
    a mobile number in France and a line in Osaka.
    """
    if country == "JP" and (mobile := _MOBILE.fullmatch(text)):
        prefix, middle, end = mobile.groups()
        return Phone(f"+81{prefix}{middle}{end}", f"0{prefix}-{middle}-{end}", True, None)
    found = _find(text)
    if found is None:
        return None
    number, extension = found
    if country != "JP":
        return _abroad(number, country, extension)
    number = _JAPAN_ABROAD.sub("+81", number, count=1)
    parsed = _parsed(number, country)
    return _valid(parsed, extension) if parsed else _out_of_use(number, extension)


def _abroad(number: str, country: str, extension: str | None) -> Phone | None:
    """By the country's own rules, then as one dialled from anywhere; the rest is as written."""
    parsed = _parsed(number, country) or _parsed(_DIALLED_ABROAD.sub("+", number, count=1), "")
    if parsed:
        return _valid(parsed, extension)
    if len(number) > _NATIONAL_LIMIT:
        return None
    return Phone(None, _with_extension(number, extension), mobile=False, extension=extension)


def _parsed(number: str, country: str) -> Any | None:
    """The library's value; None where no such number can be in use."""
    library = _library()
    try:
        parsed = library.parse(number, country or None)
    except library.NumberParseException:
        return None
    return parsed if library.is_valid_number(parsed) else None


def phone_key(text: str) -> str:
    """The number's digits with the country first ("819012345678"), for comparison; '' if none.

    A number that cannot be in use (090-0000-0000) is what people type to get past a form: ''.
    """
    phone = parse_phone(text)
    return phone.e164.lstrip("+") if phone and phone.e164 else ""


def mobile_key(text: str, country: str = "JP") -> str:
    """As `phone_key`, of one person's telephone only; '' for 090-1111-1111 and 090-1234-5678."""
    if country != "JP":
        phone = parse_phone(text, country) if text else None
        return phone.e164.lstrip("+") if phone and phone.mobile and phone.e164 else ""
    plain = _MOBILE.fullmatch(text)
    if plain is None and (not text or _PLAIN_LANDLINE.fullmatch(text) or not is_mobile(text)):
        return ""
    key = f"81{plain[1]}{plain[2]}{plain[3]}" if plain else phone_key(text)
    return "" if is_made_up(key[-8:]) else key


def is_mobile(text: str) -> bool:
    """Whether the number belongs to one person's telephone, and not to a household's."""
    phone = parse_phone(text)
    return phone is not None and phone.mobile


def _find(text: str) -> tuple[str, str | None] | None:
    folded = unicodedata.normalize("NFKC", scrub(text[:_LONGEST])).translate(_HYPHEN)
    match = _NUMBER.search(_TWO_NUMBERS.split(folded.strip(), maxsplit=1)[0])
    if match is None:
        return None
    return match["number"].replace(".", "-").replace("/", "-"), match["extension"]


def _valid(parsed: Any, extension: str | None) -> Phone:
    library = _library()
    e164 = str(library.format_number(parsed, library.PhoneNumberFormat.E164))
    japanese = parsed.country_code == 81
    style = (
        library.PhoneNumberFormat.NATIONAL
        if japanese
        else (library.PhoneNumberFormat.INTERNATIONAL)
    )
    shown = str(library.format_number(parsed, style))
    kind = library.number_type(parsed)
    mobile = kind == library.PhoneNumberType.MOBILE or (
        not japanese and kind == library.PhoneNumberType.FIXED_LINE_OR_MOBILE
    )
    national = shown if len(shown) <= _NATIONAL_LIMIT else e164
    return Phone(e164, _with_extension(national, extension), mobile, extension)


def _out_of_use(number: str, extension: str | None) -> Phone | None:
    digits = re.sub("[^0-9]", "", number)
    if len(digits) not in {10, 11} or digits[0] != "0" or len(set(digits)) == 1:
        return None
    national = number if len(number) <= _NATIONAL_LIMIT else digits
    return Phone(None, _with_extension(national, extension), mobile=False, extension=extension)


def _with_extension(national: str, extension: str | None) -> str:
    longer = f"{national} x{extension}"
    return longer if extension and len(longer) <= _NATIONAL_LIMIT else national


def _library() -> ModuleType:
    import phonenumbers  # noqa: PLC0415  40 ms, of which --help needs none

    return phonenumbers
