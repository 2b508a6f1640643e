"""Japanese addresses: what the customer wrote, taken apart.

Every part is kept twice: in its official or comparable form (`city`, `town`, `block`), and as
written (`line1`), which is what other systems show. Width alone is always changed.
`town` is 町名 or 大字 as the postal data has it, without 丁目, with the 小字 that was written;
`block` holds 丁目, 番地 and 号 as 1-2-3, so that 道玄坂一丁目2番3号 and 道玄坂1-2-3 are the same.
"""

import re
from dataclasses import replace
from typing import Final

from gateway import frozen
from gateway.normalize.characters import HYPHENS
from gateway.normalize.details import read_details
from gateway.normalize.doubled import without_double
from gateway.normalize.folding import fold_name
from gateway.normalize.postal import clean_postal_code, take_postal_code
from gateway.normalize.prefecture import Prefecture
from gateway.normalize.prefecture import prefecture as prefecture_of
from gateway.normalize.reading import (
    ParsedAddress,
    WrittenAddress,
    assemble,
    is_nothing,
    named_plainly,
    plain_place,
    read_address,
    shown,
    whole_building,
)

__all__ = ["ParsedAddress", "WrittenAddress", "parse_address", "parse_line"]

_LONGEST: Final = 400
"""Longer text than this is no address, and is passed on without being read."""

_MUNICIPALITY_ENDS: Final = re.compile("[市区町村]$|^$")
_goes_on: Final = re.compile(rf"(?:丁目|番地?の?|[0-9][{re.escape(HYPHENS)}])\s*$").search
_MUNICIPALITY: Final = re.compile("[市区町村]")
_DIGITS: Final = re.compile("[0-9]+")
_KANJI_NUMERAL: Final = re.compile("[〇零一二三四五六七八九十百千]")


def parse_line(text: str) -> ParsedAddress:
    """One address in one line, with or without a postal code in it. Never raises."""
    written = WrittenAddress(address1=text)
    if len(text) > _LONGEST:
        return _not_read(written)
    code, line = take_postal_code(shown(text))
    return read_address(line, None, code, written)


def parse_address(
    *,
    postal_code: str = "",
    prefecture: str = "",
    city: str = "",
    address1: str = "",
    address2: str = "",
    country: str = "JP",
) -> ParsedAddress:
    """Fields as the customer split them, in whatever way. Never raises.

    `country` is ISO 3166 alpha-2; an address elsewhere is passed on as it came.
    """
    written = WrittenAddress(postal_code, prefecture, city, address1, address2)
    if country.strip().upper() != "JP":
        return ParsedAddress(None, "", "", "", "", None, understood=False, written=written)
    if sum(map(len, (prefecture, city, address1, address2))) > _LONGEST:
        return _not_read(written)
    known = prefecture_of(prefecture)
    code = clean_postal_code(postal_code) or ""
    at_once = _at_once(written, code) if known and code else None
    if at_once and at_once.prefecture is known:
        return at_once
    fields = _Fields(
        head=_joined(["" if known else _stated(prefecture), _stated(city)]),
        first=_stated(address1),
        second=_stated(address2),
        known=known,
        code=code,
        written=written,
    )
    if not code:
        code, line = take_postal_code(fields.first)
        fields = replace(fields, code=code, first=line)
    return _best(_said_once(fields))


def _at_once(written: WrittenAddress, code: str) -> ParsedAddress | None:
    """Most addresses: the post's own names and a plain number, each in its field; a building behind
    the number, in address2, or neither. None where more has to be looked at to find the same.
    """
    place = plain_place(code)
    if place is None or not place.is_told_once or written.city != place.city.name:
        return None
    first = shown(written.address1)
    second = _stated(written.address2) if written.address2 else ""
    if not first.startswith(place.town) or (second and (second[0] in first or _goes_on(first))):
        return None
    named = named_plainly(place, first[len(place.town) :])
    details = read_details(named.rest) if named else None
    if named is None or details is None or details.block is None:
        return None
    if _MUNICIPALITY.search(second) and _has_numbers(second, details.block.parts):
        return None
    return assemble(named, details, code, (), written, second)


def _stated(text: str) -> str:
    """As it is shown; '' for what fills a field: なし, －."""
    line = shown(text)
    return "" if is_nothing(line) else line


@frozen
class _Fields:
    head: str
    first: str
    second: str
    known: Prefecture | None
    code: str
    written: WrittenAddress

    def read(self, *parts: str) -> ParsedAddress:
        return self.read_line(_joined([self.head, *parts]))

    def read_line(self, line: str) -> ParsedAddress:
        return read_address(line, self.known, self.code, self.written)


def _said_once(fields: _Fields) -> _Fields:
    """A town in two fields, and a line that stands in both."""
    first, second = fields.first, fields.second
    if first and second:
        first = without_double(first, second)
    if not first:
        first, second = second, ""
    head = without_double(fields.head, first, whole=False)
    once = _Fields(head, first, second, fields.known, fields.code, fields.written)
    return once if _MUNICIPALITY_ENDS.search(once.head) else _town_of_first(once)


def _town_of_first(fields: _Fields) -> _Fields:
    """渋谷区道玄坂2丁目 before 道玄坂2-10-7, 中央区日本橋 before 日本橋兜町15-18."""
    found = fields.read_line(fields.head)
    if not (found.town_known and found.prefecture and fields.first):
        return fields
    shorter = replace(fields, head=f"{found.prefecture.ja}{found.city}")
    again = shorter.read(fields.first)
    longer = again.town_known and again.town.startswith(found.town)
    return shorter if longer and again.block else fields


def _best(fields: _Fields) -> ParsedAddress:
    """address2 is the building, unless the number or the town is missing without it."""
    address = fields.read(fields.first)
    if not address.city and fields.head.isascii():
        address = replace(fields, head="").read(fields.first)
        fields = replace(fields, head="") if address.city else fields
    if not fields.second:
        return address
    if address.block and not _goes_on(fields.first):
        return _with_building(address, _without_repetition(address, fields))
    again = _once_more(address, fields)
    if again and again.block and again.town_known:
        return _with_building(again, address.building) if address.building else again
    joined = fields.read(fields.first, fields.second)
    if joined.block and joined.town_known:
        return joined
    return _building_first(fields, address) or (
        joined if joined.block else _with_building(address, fields.second)
    )


def _building_first(fields: _Fields, address: ParsedAddress) -> ParsedAddress | None:
    """A building in address1, and town and number, or the number alone, in address2."""
    swapped = fields.read(fields.second)
    is_town = swapped.town_known and not address.town_known
    if swapped.block and (is_town or (swapped.town and address.building)):
        return _with_building(swapped, fields.first)
    numbered = fields.read(address.line1, fields.second)
    if numbered.block and numbered.town_known and address.building:
        whole = f"{address.building} {numbered.building}".strip()
        return replace(numbered, building=whole)
    return None


def _with_building(address: ParsedAddress, more: str) -> ParsedAddress:
    return replace(address, building=whole_building(address.building, more))


def _without_repetition(address: ParsedAddress, fields: _Fields) -> str:
    """address2 without an address that address1 has already."""
    if not _has_numbers(fields.second, address.parts):
        return fields.second
    again = _once_more(address, fields)
    return again.building if again and again.parts == address.parts else fields.second


def _has_numbers(text: str, parts: tuple[str, ...]) -> bool:
    """Whether all numbers of a block can be read in the text, too."""
    return _numbers("-".join(parts)) <= _numbers(text) or bool(_KANJI_NUMERAL.search(text))


def _numbers(text: str) -> set[int]:
    return {int(run[:9]) for run in _DIGITS.findall(text)}


def _once_more(address: ParsedAddress, fields: _Fields) -> ParsedAddress | None:
    """address2 where it names the municipality, or the town, of address1 again."""
    if _MUNICIPALITY.search(fields.second):
        again = fields.read_line(fields.second)
        if again.city and again.city == address.city:
            return again if address.town in ("", again.town) else None
    begins = address.town[:1] == fields.second[:1] != ""
    if begins and fold_name(fields.second).startswith(fold_name(address.town)):
        again = fields.read(fields.second)
        return again if again.town == address.town else None
    return None


def _joined(parts: list[str]) -> str:
    return " ".join(filter(None, parts))


def _not_read(written: WrittenAddress) -> ParsedAddress:
    code = clean_postal_code(written.postal_code)
    known = prefecture_of(written.prefecture)
    return ParsedAddress(known, "", "", "", "", code, understood=False, written=written)
