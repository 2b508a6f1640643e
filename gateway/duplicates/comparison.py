"""Two members side by side, as Smaregi has them now: what is the same, and what is not.

Live data, shown to the person who asked; nothing of it is stored.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from gateway import frozen
from gateway.normalize import (
    clean_postal_code,
    email_key,
    is_placeholder,
    kana_key,
    name_key,
    parse_birth_date,
    phone_key,
    place_digest,
)

__all__ = ["ComparedField", "Likeness", "compare"]

Row = Mapping[str, Any]


class Likeness(StrEnum):
    SAME = "same"
    ALIKE = "alike"  # 髙橋 and 高橋; two ways to write an address, or two flats of one house
    DIFFERENT = "different"
    ONE_SIDE = "on one side only"
    NEITHER = ""


@frozen
class ComparedField:
    """A line of the table: what the members have, and what their customers say if that differs.

    `online` is '' if the customer says the same, says nothing, or does not exist. `likeness` is
    None for what always differs, such as the numbers.
    """

    field: str
    values: tuple[str, str]
    online: tuple[str, str]
    likeness: Likeness | None


def compare(
    members: tuple[Row, Row], customers: tuple[Row | None, Row | None]
) -> list[ComparedField]:
    """Line by line; what nobody has is left out.

    `members` are Smaregi's rows (`GET /customers/{id}`), `customers` those of the online customers
    as Smaregi would get them.
    """
    lines = [_line(field, members, customers) for field in _FIELDS]
    return [line for line in lines if any(line.values) or any(line.online)]


@frozen
class _Field:
    name: str
    shown: Callable[[Row], str]
    key: Callable[[Row], str] | None = None
    is_stated: Callable[[Row], object] = lambda row: True


def _line(
    field: _Field, members: tuple[Row, Row], customers: tuple[Row | None, Row | None]
) -> ComparedField:
    one, other = (
        _said(field, member, customer) for member, customer in zip(members, customers, strict=True)
    )
    values = field.shown(members[0]), field.shown(members[1])
    return ComparedField(field.name, values, (one, other), _likeness(field, members, customers))


def _said(field: _Field, member: Row, customer: Row | None) -> str:
    """What the customer says that differs from the member."""
    if customer is None or field.key is None or not _states(field, customer):
        return ""
    text = field.shown(customer)
    same = text == field.shown(member) or (field.key(customer) or text) == field.key(member)
    return "" if same else text


def _likeness(
    field: _Field, members: tuple[Row, Row], customers: tuple[Row | None, Row | None]
) -> Likeness | None:
    """Of the members' own values, or of what the customers say where that agrees."""
    if field.key is None:
        return None
    known = [
        [row for row in (member, customer) if row is not None and _states(field, row)]
        for member, customer in zip(members, customers, strict=True)
    ]
    if not all(known):
        return Likeness.ONE_SIDE if any(known) else Likeness.NEITHER
    pairs = [(one, other) for one in known[0] for other in known[1]]
    if any(field.shown(one) == field.shown(other) for one, other in pairs):
        return Likeness.SAME
    alike = any(field.key(one) and field.key(one) == field.key(other) for one, other in pairs)
    return Likeness.ALIKE if alike else Likeness.DIFFERENT


def _states(field: _Field, row: Row) -> bool:
    text = field.shown(row)
    return bool(text) and not is_placeholder(text) and bool(field.is_stated(row))


def _text(row: Row, *names: str) -> str:
    """In one line, and without anything that a terminal would obey."""
    values = (" ".join(str(row.get(name) or "").split()) for name in names)
    text = " ".join(value for value in values if value)
    return "".join(char for char in text if char.isprintable())


def _of(*names: str) -> Callable[[Row], str]:
    return lambda row: _text(row, *names)


def _keyed(key: Callable[[str], str], *names: str) -> Callable[[Row], str]:
    return lambda row: key(_text(row, *names))


def _word(name: str, words: Mapping[str, str]) -> Callable[[Row], str]:
    return lambda row: words.get(_text(row, name), _text(row, name))


def _place(row: Row) -> str:
    return place_digest(postal_code=_text(row, "postCode"), address1=_text(row, "address"))


def _birth(text: str) -> str:
    day = parse_birth_date(text)
    return day.isoformat() if day else ""


def _moment(name: str) -> Callable[[Row], str]:
    return lambda row: _text(row, name)[:16].replace("T", " ")


def _name(label: str, key: Callable[[str], str], *parts: str) -> _Field:
    """Half a name is none."""

    def is_whole(row: Row) -> bool:
        return not any(is_placeholder(_text(row, part)) for part in parts)

    return _Field(label, _of(*parts), _keyed(key, *parts), is_whole)


_STATUS = {
    "0": "0 active",
    "1": "1 suspended",
    "2": "2 lost card",
    "3": "3 withdrawn",
    "4": "4 merged",
}
_SEX = {"0": "unknown", "1": "male", "2": "female"}

_FIELDS = (
    _Field("member number", _of("customerCode")),
    _Field("second number", _of("customerNo")),
    _Field("status", _word("status", _STATUS)),
    _name("name", name_key, "lastName", "firstName"),
    _name("kana", kana_key, "lastKana", "firstKana"),
    _Field("birth date", _of("birthDate"), _keyed(_birth, "birthDate")),
    _Field("sex", _word("sex", _SEX), _of("sex"), lambda row: _text(row, "sex") != "0"),
    _Field("e-mail", _of("mailAddress"), _keyed(email_key, "mailAddress")),
    _Field("mobile", _of("mobileNumber"), _keyed(phone_key, "mobileNumber")),
    _Field("phone", _of("phoneNumber"), _keyed(phone_key, "phoneNumber")),
    _Field(
        "postal code",
        _of("postCode"),
        _keyed(lambda text: clean_postal_code(text) or "", "postCode"),
    ),
    _Field("address", _of("address"), _place),
    _Field("points", _of("point")),
    _Field("last seen", _moment("lastComeDateTime")),
    _Field("entered", _of("entryDate")),
    _Field("note", _of("note")),
)
