"""Two members side by side, as Smaregi has them now: what is the same, and what is not.

Live data, shown to the person who asked: nothing of it is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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

__all__ = ["Compared", "Mark", "compare"]

Row = Mapping[str, Any]


class Mark(StrEnum):
    SAME = "same"
    ALIKE = "alike"  # 髙橋 and 高橋; two ways to write an address, or two flats of one house
    DIFFERENT = "different"
    ONE_SIDE = "on one side only"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A line of the table. `mark` is None where the two always differ, such as their ids."""

    field: str
    one: str
    other: str
    mark: Mark | None


def compare(one: Row, other: Row) -> list[Compared]:
    """Smaregi's rows (`GET /customers/{id}`) line by line; what neither has is left out."""
    lines = [_line(field, one, other) for field in _FIELDS]
    return [line for line in lines if line.one or line.other]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    shown: Callable[[Row], str]
    key: Callable[[Row], str] | None = None


def _line(field: _Field, one: Row, other: Row) -> Compared:
    texts = field.shown(one), field.shown(other)
    return Compared(field.name, *texts, _mark(field, texts, one, other))


def _mark(field: _Field, texts: tuple[str, str], one: Row, other: Row) -> Mark | None:
    if field.key is None:
        return None
    if not any(texts):
        return Mark.NEITHER
    if texts[0] == texts[1]:
        return Mark.SAME
    if any(not text or is_placeholder(text) for text in texts):
        return Mark.ONE_SIDE
    key = field.key(one)
    return Mark.ALIKE if key and key == field.key(other) else Mark.DIFFERENT


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
    _Field("name", _of("lastName", "firstName"), _keyed(name_key, "lastName", "firstName")),
    _Field("kana", _of("lastKana", "firstKana"), _keyed(kana_key, "lastKana", "firstKana")),
    _Field("birth date", _of("birthDate"), _keyed(_birth, "birthDate")),
    _Field("sex", _word("sex", _SEX), _of("sex")),
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
