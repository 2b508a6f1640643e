"""Reading one address, prefecture first: municipality, town, block, building."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from gateway import REMEMBERED, frozen
from gateway.normalize.characters import HYPHENS, compose, fold_width, is_ordinary, scrub
from gateway.normalize.details import Details, clean_building, read_details
from gateway.normalize.doubled import merged_building
from gateway.normalize.folding import Folded, fold
from gateway.normalize.municipality import Municipality, read_municipality, read_prefecture
from gateway.normalize.places import City
from gateway.normalize.postal import cities_of_postal_code, town_of_postal_code
from gateway.normalize.prefecture import Prefecture
from gateway.normalize.town import Town, read_town

_HYPHEN_BETWEEN_DIGITS: Final = re.compile(
    rf"(?<=[0-9])\s*[{re.escape(HYPHENS)}]\s*(?=[0-9A-Za-z])|(?<=[A-Za-z])[{re.escape(HYPHENS)}](?=[0-9])"
)
_JAPANESE: Final = re.compile(
    "[一-龠々〇ぁ-んァ-ヺー0-9 \U00020000-\U0002ffff\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
)
_BOX: Final = "私書箱"
_BOX_FIRST: Final = re.compile(f"[^0-9(]*郵便局.*{_BOX}")
"""A post office box belongs to a post office, whose name only looks like a town's."""

_ENDS_IN_A_NUMBER: Final = re.compile("[0-9一二三四五六七八九十百千]$")
is_nothing: Final = re.compile(
    rf"[\s{re.escape(HYPHENS)}.,、。・*＊/]*"
    r"|(?:特に|該当)?(?:なし|無し|ナシ|無|ありません|有りません)[。.]?|未入力|空欄|同上|[Nn]/?[Aa]|[Nn]one|[Nn]ull"
).fullmatch
"""Whether a person wrote it to fill a field: なし, －, 特になし."""

_PLAIN_NUMBER: Final = re.compile(
    rf"[1-9][0-9]{{0,3}}(?:[{re.escape(HYPHENS)}丁番]|$)"
    "|(?:[二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])丁目"
)
_KANJI_ONE: Final = re.compile("(?<=[0-9])一(?=[0-9])")


@frozen
class WrittenAddress:
    """The customer's own fields, width and all."""

    postal_code: str = ""
    prefecture: str = ""
    city: str = ""
    address1: str = ""
    address2: str = ""


@frozen
class ParsedAddress:
    """`understood` is False where parts are missing, unknown or contradict one another.

    `street`: Kyoto's (寺町通御池上る). `parts`: the block's (3, 甲486, 1).
    `line1`: town and block as written, for display.
    `town_known`: the postal data has the town.
    `notes`: what a person should know ("postal_code contradicts the address"), never a value.
    """

    prefecture: Prefecture | None
    city: str
    town: str
    block: str
    building: str
    postal_code: str | None
    understood: bool
    street: str = ""
    line1: str = ""
    parts: tuple[str, ...] = ()
    town_known: bool = False
    notes: tuple[str, ...] = ()
    written: WrittenAddress = WrittenAddress()


def read_address(
    line: str, known: Prefecture | None, code: str, written: WrittenAddress
) -> ParsedAddress:
    """`known`: the prefecture from a field of its own; `code`: a clean postal code or ''."""
    named = _by_the_post(line, known, code)
    if named is not None:
        return assemble(named, read_details(named.rest), code, (), written)
    hints = cities_of_postal_code(code)
    text = fold(line)
    found = read_municipality(text, known, hints)
    if found.city is None:
        found = _by_postal_code(found, hints) or found
    if found.city is None:
        return _without_city(found, line, code, written)
    if found.doubtful:
        notes = _notes(found, hints, code, known)
        return replace(_without_city(found, line, code, written), notes=notes)
    start = _after_repetition(found, found.city)
    in_box = _BOX_FIRST.match(line, found.text.origin[start])
    town = None if in_box else read_town(found.text, start, found.city)
    named = _named(found, found.city, start, town, line)
    details = read_details(named.rest, after_town=town is not None)
    return assemble(named, details, code, _notes(found, hints, code, known), written)


@frozen
class Named:
    """The places at the beginning of a line. `town` is the official name, '' if unknown; `shown`
    the street and the town as written; `rest` what follows, as written.
    """

    city: City
    prefecture: Prefecture | None
    street: str
    town: str
    shown: str
    rest: str


@frozen
class PlainPlace:
    """`begin` is how a line that names it by the post's own names begins. `is_told_once`: nothing
    of the town's name can be taken for the municipality's.
    """

    city: City
    town: str
    begin: str
    is_told_once: bool


def _by_the_post(line: str, known: Prefecture | None, code: str) -> Named | None:
    """Most lines: municipality and town as the post writes those of the code, and a plain number.

    None for any other, and where more than that has to be looked at to find the same.
    """
    place = plain_place(code) if known and code else None
    if place is None or known is not place.city.prefecture or not line.startswith(place.begin):
        return None
    return named_plainly(place, line[len(place.begin) :])


def named_plainly(place: PlainPlace, rest: str) -> Named | None:
    """None if anything but a plain number follows the town's name."""
    if not _PLAIN_NUMBER.match(rest) or "字" in rest or _BOX in rest:
        return None
    return Named(place.city, place.city.prefecture, "", place.town, place.town, rest)


@lru_cache(REMEMBERED)
def plain_place(code: str) -> PlainPlace | None:
    """The town of a code, but for those whose name tells too little: 高畠 is written 高畑, too,
    浦臼第2 may go on (浦臼第21), 字 may be left out, and in Kyoto a street may stand before it.
    """
    found = town_of_postal_code(code)
    if found is None:
        return None
    city, town = found
    ambiguous = "字" in town or city.spells_alike(town)
    if ambiguous or _ENDS_IN_A_NUMBER.search(town) or city.name.startswith("京都市"):
        return None
    return PlainPlace(city, town, f"{city.name} {town}", is_told_once=town[0] not in city.name)


def _by_postal_code(found: Municipality, hints: tuple[City, ...]) -> Municipality | None:
    """The code decides where the text names no municipality and one of its towns follows."""
    if (
        found.end > found.start
        or len(hints) != 1
        or found.prefecture not in (None, hints[0].prefecture)
    ):
        return None
    if not read_town(found.text, found.end, hints[0]):
        return None
    return replace(found, prefecture=hints[0].prefecture, city=hints[0])


def _after_repetition(found: Municipality, city: City) -> int:
    """After 東京都渋谷区 that is written once more, which no town's name can be."""
    text = found.text.text
    start, _ = read_prefecture(text, found.end)
    for again in (*city.folded_names()[:2], text[: found.end]):
        if (
            again
            and text.startswith(again, start)
            and not _town_is_longer(found, city, start, again)
        ):
            return start + len(again)
    return found.end


def _town_is_longer(found: Municipality, city: City, start: int, name: str) -> bool:
    town = read_town(found.text, start, city)
    return town is not None and town.end - start >= len(name)


def _named(found: Municipality, city: City, start: int, town: Town | None, line: str) -> Named:
    origin = found.text.origin
    if town is None:
        return Named(city, found.prefecture, "", "", "", line[origin[start] :])
    end = origin[town.end]
    street = line[origin[start] : origin[town.start]].strip()
    shown = f"{street} " if street else ""
    shown += town.name if found.merged else line[origin[town.start] : end].strip()
    if _ENDS_IN_A_NUMBER.search(shown) and line[end - 1].isspace():
        shown += " "
    return Named(city, found.prefecture, street, town.name, shown, line[end:])


def assemble(
    named: Named,
    details: Details,
    code: str,
    notes: tuple[str, ...],
    written: WrittenAddress,
    more: str = "",
) -> ParsedAddress:
    """`more`: of the building, from the next field."""
    block, building = details.block, details.building
    building = "" if not building or is_nothing(building) else tidy(building)
    return ParsedAddress(
        prefecture=named.prefecture,
        city=named.city.name,
        town=named.town + details.area.replace(" ", ""),
        block=block.text if block else "",
        building=whole_building(building, more) if more else building,
        postal_code=code or None,
        understood=_is_understood(named.town, details),
        street=named.street,
        line1=(named.shown + tidy(named.rest[: details.block_end])).strip(),
        parts=block.parts if block else (),
        town_known=bool(named.town),
        notes=notes,
        written=written,
    )


def whole_building(building: str, more: str) -> str:
    """What was already found of it stands first."""
    return tidy(merged_building(building, clean_building(more)))


def _is_understood(town: str, details: Details) -> bool:
    """A municipality alone, a known town, or an unknown one with a number."""
    if not _JAPANESE.fullmatch(details.area):
        return False
    if town or _BOX in details.building:
        return True
    return details.block is not None or not (details.area or details.building)


def _notes(
    found: Municipality, hints: tuple[City, ...], code: str, known: Prefecture | None
) -> tuple[str, ...]:
    notes = []
    if code and not hints:
        notes.append("postal_code is not known to the post")
    elif hints and found.city not in hints:
        notes.append("postal_code contradicts the address")
    if known and found.prefecture is not known:
        notes.append("prefecture contradicts the address")
    if found.merged:
        notes.append("municipality was merged into another")
    return tuple(notes)


def _without_city(
    found: Municipality, line: str, code: str, written: WrittenAddress
) -> ParsedAddress:
    origin = found.text.origin
    rest = line[origin[found.end] :].strip()
    name = line[origin[found.start] : origin[found.end]].strip()
    details = read_details(rest) if name else None
    return ParsedAddress(
        prefecture=found.prefecture,
        city=name,
        town=details.area if details else "",
        block=details.block.text if details and details.block else "",
        building=details.building if details else "",
        postal_code=code or None,
        understood=False,
        line1=rest[: details.block_end].strip() if details else rest,
        written=written,
    )


def shown(text: str) -> str:
    """As it is shown: width folded, nothing invisible, the customer's own characters kept."""
    return text if is_ordinary(text) else fold_width(compose(scrub(text)))


def tidy(text: str) -> str:
    """Hyphens between digits as ASCII ones."""
    return _HYPHEN_BETWEEN_DIGITS.sub("-", _KANJI_ONE.sub("-", text)).rstrip()


def folded(text: str) -> Folded:
    """For the comparison key of text that could not be read."""
    return fold(shown(text))
