"""Which place an address is, short and for comparison only: the town and its first two numbers.

`address_key` tells flats and lots apart; this one only whether two people live in one place, and
it is cheap enough for a million members: nearly every address names the town of its postal code,
with plain numbers right behind it, and needs no parser. Whatever else is written is parsed. Both
ways lead to the same text.
"""

import re
from functools import lru_cache
from typing import Final

from gateway import REMEMBERED, frozen
from gateway.normalize.address import ParsedAddress, parse_address
from gateway.normalize.block import ROOM
from gateway.normalize.characters import HYPHENS, fold_width, is_ordinary, scrub
from gateway.normalize.folding import fold_name, readable
from gateway.normalize.numerals import is_kanji_number, kanji_to_int
from gateway.normalize.places import City
from gateway.normalize.postal import clean_postal_code, town_of_postal_code
from gateway.normalize.prefecture import prefecture as prefecture_of

__all__ = ["place_digest"]

_HYPHEN: Final = f"[{re.escape(HYPHENS)}]"
_PLAIN_NUMBERS: Final = re.compile(
    rf" ?(?P<first>[0-9]{{1,4}}|[一二三四五六七八九十]{{1,3}}(?=丁目))"
    rf"(?:(?: ?{_HYPHEN} ?|の|丁目{_HYPHEN}?|番地?[のノ]?|番地?{_HYPHEN})(?:(?<=[目番地]) ?)?"
    rf"(?P<second>[0-9]{{1,5}})(?![0-9一]|{ROOM.pattern})|(?:番地?)?$)"
)
"""Forms that can be read in one way only."""

_ON_A_STREET: Final = re.compile("[るルリ入]")
"""Kyoto's 上る and 東入 begin an address that says more than its town."""

_NUMERAL: Final = re.compile("[〇零一二三四五六七八九十百千0-9]")
_AZA: Final = re.compile("[大小]?字")
_LONGEST: Final = 200


@frozen
class _Place:
    """The one town of a postal code: its names, and how its digests begin."""

    city: City
    town: str
    whole: str
    head: str


def place_digest(
    postal_code: str = "",
    prefecture: str = "",
    city: str = "",
    address1: str = "",
    address2: str = "",
) -> str:
    """`JP-13|渋谷区|道玄坂|1-2` for every writing of it; '' where town or number is not known."""
    if not address1 and not city:
        return ""
    place = _place_of_code(postal_code)
    if place is not None and len(address1) < _LONGEST:
        digest = _at_once(place, prefecture, city, address1, alone=not address2)
        if digest:
            return digest
    address = parse_address(
        postal_code=postal_code,
        prefecture=prefecture,
        city=city,
        address1=address1,
        address2=address2,
    )
    if place is not None and not address.city and _NUMERAL.match(scrub(fold_width(address1))):
        address = parse_address(
            postal_code=postal_code,
            prefecture=place.city.prefecture.code,
            city=place.city.name,
            address1=place.town + address1,
            address2=address2,
        )
    return _of_parsed(address, place)


def _at_once(place: _Place, prefecture: str, city: str, address1: str, *, alone: bool) -> str:
    """'' where it is not as plain as that."""
    known = prefecture_of(prefecture) if prefecture else None
    if prefecture and known is not place.city.prefecture:
        return ""
    line = f"{city} {address1}" if city else address1
    line = line if is_ordinary(line) else fold_width(scrub(line))
    if place.city.name.startswith("京都市") and _ON_A_STREET.search(line):
        return ""
    rest = _after_town(place, line)
    match = _PLAIN_NUMBERS.match(rest) if rest is not None else None
    if match is None or (match["second"] is None and not alone):
        return ""
    return _digest(place.head, match["first"], match["second"])


def _digest(head: str, first: str, second: str | None) -> str:
    if not first.isascii():
        if not is_kanji_number(first):
            return ""
        first = str(kanji_to_int(first))
    return f"{head}|{int(first)}-{int(second)}" if second else f"{head}|{int(first)}"


def _after_town(place: _Place, line: str) -> str | None:
    """What follows prefecture, municipality and town, each of which may be left out."""
    if line.startswith(place.whole):
        return line[len(place.whole) :]
    line = line.removeprefix(place.city.prefecture.ja).lstrip(" ")
    line = line.removeprefix(place.city.name).lstrip(" ")
    if line.startswith(("大字", "字")) and not line.startswith(place.town):
        line = line[line.index("字") + 1 :]
    if line.startswith(place.town):
        return line[len(place.town) :]
    return None if place.city.goes_on("") else line


def _of_parsed(address: ParsedAddress, place: _Place | None) -> str:
    if not address.parts or address.prefecture is None or not address.city:
        return ""
    if address.town:
        folded = fold_name(address.city), fold_name(address.town)
        head = _head(address.prefecture.code, *folded)
    elif place is not None and place.city.name == address.city:
        head = place.head
    else:
        return ""
    return f"{head}|{'-'.join(address.parts[:2])}"


@lru_cache(REMEMBERED)
def _place_of_code(text: str) -> _Place | None:
    code = clean_postal_code(text) if text else None
    found = town_of_postal_code(code) if code else None
    if found is None:
        return None
    city, town = found
    whole = f"{city.prefecture.ja}{city.name}{town}"
    folded = city.folded_names()[0], city.folded_town(town)
    return _Place(city, town, whole, _head(city.prefecture.code, *folded))


def _head(code: str, city: str, town: str) -> str:
    """Of folded names."""
    return f"{code}|{readable(city)}|{readable(_AZA.sub('', town) or town)}"
