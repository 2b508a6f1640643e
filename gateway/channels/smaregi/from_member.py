"""What the till says about a customer: the inverse of `mapping`, pure.

A member has one line for the address and two columns for phones; Shopify has parts of an address
and one phone. So a value counts as changed only if it says something else, not if it is written
in another way. A placeholder (未入力, -) says nothing and never flows back.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from gateway.customer import Address, Profile
from gateway.normalize import (
    Placeholder,
    address_key,
    clean_name,
    clean_postal_code,
    is_placeholder,
    parse_address,
    parse_birth_date,
    parse_line,
    parse_phone,
    shopify_address,
    smaregi_kana,
    smaregi_line,
    to_katakana,
)
from gateway.normalize.address import ParsedAddress as Parsed
from gateway.normalize.characters import HYPHENS

__all__ = [
    "MEMBER_COLUMNS",
    "NOT_STATED",
    "UNITS",
    "differing_values",
    "is_same",
    "record_values",
    "text_of",
    "value_of",
]

UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "last_name": ("lastName",),
    "first_name": ("firstName",),
    "last_kana": ("lastKana",),
    "first_kana": ("firstKana",),
    "phone": ("mobileNumber", "phoneNumber"),
    "address": ("postCode", "address"),
    "birth_date": ("birthDate",),
}
"""A field of the profile, and the member's fields that make it up: they change together."""
MEMBER_COLUMNS: Final = tuple(name for names in UNITS.values() for name in names)

_HYPHEN: Final = str.maketrans(dict.fromkeys(HYPHENS, "-"))

Row = Mapping[str, Any]
Value = str | Address | None


class NotStated(Enum):
    """The till has no value, or none that can be read."""

    NOT_STATED = "not stated"


NOT_STATED: Final = NotStated.NOT_STATED


def text_of(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def record_values(row: Row) -> dict[str, str]:
    """What the member holds, as it is written.

    Smaregi may leave a blank column out of an answer. If another column of the same unit is there,
    the missing one is blank. If the whole unit is missing, it is not known: it must not be cleared
    everywhere.
    """
    values: dict[str, str] = {}
    for names in UNITS.values():
        if not row.keys().isdisjoint(names):
            for name in names:
                value = row.get(name)
                values[name] = "" if value is None else str(value)
    return values


def differing_values(row: Row, fields: Mapping[str, str]) -> dict[str, str]:
    """What the member holds that differs from `fields`."""
    return {name: text for name, text in record_values(row).items() if text != fields.get(name, "")}


def value_of(unit: str, row: Row, current: Profile) -> Value | NotStated:
    """The new value of the profile's field `unit`; '' and None clear it. `current`: Shopify's."""
    if unit == "phone":
        return _phone(row)
    if unit == "address":
        return _address(row, current.address)
    return _TEXTS[unit](text_of(row, UNITS[unit][0]))


def is_same(unit: str, value: Value, current: Profile) -> bool:
    """Whether Shopify says the same, however it is written."""
    if unit == "address":
        return _same_address(value if isinstance(value, Address) else None, current.address)
    compared = _COMPARED.get(unit, clean_name)
    return compared(str(value)) == compared(getattr(current, unit))


def _name(text: str) -> str | NotStated:
    return NOT_STATED if not text.strip() or is_placeholder(text) else clean_name(text)


def _kana(text: str) -> str | NotStated:
    if not text.strip():
        return ""
    return NOT_STATED if is_placeholder(text) else to_katakana(text)


def _birth_date(text: str) -> str | NotStated:
    if not text.strip():
        return ""
    day = parse_birth_date(text)
    found = "" if day is None else day.isoformat()
    return NOT_STATED if found in {"", Placeholder.BIRTH_DATE} else found


_TEXTS: Final[Mapping[str, Callable[[str], str | NotStated]]] = {
    "last_name": _name,
    "first_name": _name,
    "last_kana": _kana,
    "first_kana": _kana,
    "birth_date": _birth_date,
}


def _phone(row: Row) -> str | NotStated:
    """The mobile number, or else the other one: the same order as for a sign-up's only number."""
    texts = [text for name in UNITS["phone"] if (text := text_of(row, name).strip())]
    if not texts:
        return ""
    return next((text for text in texts if parse_phone(text) is not None), NOT_STATED)


def _address(row: Row, current: Address | None) -> Address | NotStated | None:
    line, code = text_of(row, "address").strip(), text_of(row, "postCode").strip()
    if not line and not code:
        return None
    code = "" if clean_postal_code(code) == Placeholder.POSTAL_CODE else code
    if (line and is_placeholder(line)) or (code and not any(map(str.isdigit, code))):
        return NOT_STATED
    code = clean_postal_code(code) or code
    if current is not None and _is_line_of(line, current):
        return replace(current, postal_code=code)
    return _placed(line, code, current)


def _placed(line: str, code: str, current: Address | None) -> Address:
    """The parts of a line. A line abroad, or not understood, stays one line, in its country."""
    parsed = parse_line(line)
    if parsed.prefecture is None and current is not None and current.country != "JP":
        return Address(current.country, code, current.prefecture, "", line)
    placed = shopify_address(parsed)
    return Address(
        "JP",
        code or placed.zip,
        placed.province_code or "",
        placed.city,
        placed.address1,
        placed.address2,
    )


def _same_address(a: Address | None, b: Address | None) -> bool:
    if a is None or b is None:
        return a == b
    if a.country != b.country or _digits(a.postal_code) != _digits(b.postal_code):
        return False
    if a.country != "JP":
        return _fold(_abroad(a)) == _fold(_abroad(b))
    return _same_place(_parsed(a), _parsed(b))


def _is_line_of(line: str, current: Address) -> bool:
    if current.country != "JP":
        return _fold(line) == _fold(_abroad(current))
    theirs = _parsed(current)
    return _fold(line) == _fold(smaregi_line(theirs)[0]) or _same_place(parse_line(line), theirs)


def _same_place(a: Parsed, b: Parsed) -> bool:
    """Compares the whole text, or the key, all numbers and the building."""
    if _fold(smaregi_line(a)[0]) == _fold(smaregi_line(b)[0]):
        return True
    key = address_key(a)
    return bool(key) and (key, a.parts, _fold(a.building)) == (
        address_key(b),
        b.parts,
        _fold(b.building),
    )


def _parsed(address: Address) -> Parsed:
    return parse_address(
        postal_code=address.postal_code,
        prefecture=address.prefecture,
        city=address.city,
        address1=address.address1,
        address2=address.address2,
    )


def _abroad(address: Address) -> str:
    return " ".join(filter(None, (address.address1, address.address2, address.city)))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_HYPHEN).casefold()
    return "".join(folded.split())


def _digits(code: str) -> str:
    return clean_postal_code(code) or _fold(code)


def _number(text: str) -> str:
    """Without its extension: Shopify's form of a number has no place for one."""
    phone = parse_phone(text) if text else None
    return (phone.e164 or phone.national) if phone else _fold(text)


_COMPARED: Final[Mapping[str, Callable[[str], str]]] = {
    "last_kana": lambda text: smaregi_kana(text)[0],
    "first_kana": lambda text: smaregi_kana(text)[0],
    "phone": _number,
}
