"""The prefecture and the municipality at the beginning of a folded address."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

from gateway import frozen
from gateway.normalize.folding import Folded, fold_name
from gateway.normalize.mergers import MERGERS
from gateway.normalize.places import City, places
from gateway.normalize.prefecture import PREFECTURES, Prefecture
from gateway.normalize.town import town_at

_COUNTRY: Final = re.compile("(?:日本国?)(?=[^橋堤])")
_OLD_NAME: Final = re.compile("(?:.{1,5}?郡)?(.{1,6}?)[市町村](?:大?字)?")
_LONGEST_NAME: Final = 14
_LONGEST_SHORT: Final = 11
_ENDINGS: Final = "市区町村"


@frozen
class Municipality:
    """`start`, `end`: the name's indices in `text`; the town begins at `end`.

    `city` is None where there is no name (`start` equals `end`) or it is several places'.
    `merged`: an old name was used. `doubtful`: prefecture, town and postal code do not agree.

    `text` is what was read, but for a merged municipality whose name goes on in its towns:
    古川市大崎 goes on as 古川大崎.
    """

    prefecture: Prefecture | None
    city: City | None
    text: Folded
    start: int
    end: int
    merged: bool = False
    doubtful: bool = False


def read_municipality(
    text: Folded, known: Prefecture | None, hints: tuple[City, ...] = ()
) -> Municipality:
    """`known`: the prefecture from a field of its own; `hints`: where the postal code points.

    A name that stands for several is decided by the towns, then by the hints, or not at all.
    """
    start, written = read_prefecture(text.text, _after_country(text.text))
    prefecture = written or known
    found = _read_city(text, start, prefecture, hints)
    has_town = _has_town(found)
    ward = _with_short_ward(found, prefecture, hints, has_town=has_town)
    if ward:
        return ward
    if not has_town:
        found = _of_next_field(found, prefecture, hints)
        if prefecture and not _agrees(found, hints):
            found = _in_another_prefecture(text, start, hints, found)
    if found.city:
        return found
    if found.end > found.start:
        return _by_table(text, start, prefecture) or found
    short = _without_ending(text, start, prefecture, hints)
    if short and _is_apart(short, prefecture):
        return short
    by_town = _by_name_of_town(text, start, prefecture) if prefecture else None
    return by_town or _by_table(text, start, prefecture) or short or found


def _agrees(found: Municipality, hints: tuple[City, ...]) -> bool:
    """Whether town or postal code, too, belong to the municipality that was found."""
    return found.city in hints or _has_town(found)


def _has_town(found: Municipality) -> bool:
    city = found.city
    return city is not None and town_at(found.text, found.end, city) is not None


def _in_another_prefecture(
    text: Folded, start: int, hints: tuple[City, ...], found: Municipality
) -> Municipality:
    """The prefecture that was told is wrong where town and municipality, or the municipality and
    the postal code, agree on another. Where only one of them does, nobody knows.
    """
    other = _read_city(text, start, None, hints)
    if other.city is None or other.city is found.city:
        elsewhere = bool(hints) and all(hint.prefecture is not found.prefecture for hint in hints)
        return replace(found, doubtful=elsewhere)
    has_town, has_code = _has_town(other), other.city in hints
    if (has_town and has_code) or (found.city is None and (has_town or has_code)):
        return other
    return replace(found, doubtful=has_town or has_code)


def _without_ending(
    text: Folded, start: int, prefecture: Prefecture | None, hints: tuple[City, ...]
) -> Municipality | None:
    """新宿 西新宿3-7-1, 横浜西区みなとみらい: a town or a ward of the place must follow, or the
    name be a field of its own.
    """
    for end in range(min(len(text.text), start + _LONGEST_SHORT), start, -1):
        for ending in _ENDINGS:
            if text.text[start:end] + ending not in places().by_name:
                continue
            whole = text.replaced(end, end, ending)
            found = _read_city(whole, start, prefecture, hints)
            if found.city and _is_meant(found, end, prefecture):
                return found
    return None


def _of_next_field(
    found: Municipality, prefecture: Prefecture | None, hints: tuple[City, ...]
) -> Municipality:
    """柏崎 市野新田: the 市 of the next field's town is not the municipality's."""
    origin = found.text.origin
    if found.end < found.start + 2 or origin[found.end - 1] == origin[found.end - 2] + 1:
        return found
    short = _without_ending(found.text, found.start, prefecture, hints)
    return short if short and _has_town(short) else found


def _with_short_ward(
    found: Municipality, prefecture: Prefecture | None, hints: tuple[City, ...], *, has_town: bool
) -> Municipality | None:
    """横浜市青葉 あざみ野南1-2-3. Where the city has a town so called, a space tells the ward."""
    text = found.text.text
    if not text.startswith("市", found.end - 1) or _is_whole(text[found.start : found.end]):
        return None
    for end in range(found.end + 1, min(len(text), found.end + _LONGEST_SHORT) + 1):
        if text[found.start : end] + "区" in places().by_name and text[end : end + 1] != "区":
            whole = found.text.replaced(end, end, "区")
            ward = _read_city(whole, found.start, prefecture, hints)
            apart = _is_apart(ward, prefecture, end)
            if ward.city and (apart or not has_town) and _is_meant(ward, end, prefecture):
                return ward
    return None


def _is_apart(found: Municipality, prefecture: Prefecture | None, end: int | None = None) -> bool:
    """Whether a space, or a field's end, follows the name whose ending was put at `end`."""
    at = found.end - 1 if end is None else end
    origin = found.text.origin
    return prefecture is not None and origin[at + 1] > origin[at - 1] + 1


def _is_whole(name: str) -> bool:
    """Whether a municipality without wards is called so."""
    return any(city.folded_names()[0] == name for city in places().by_name.get(name, ()))


def _is_meant(found: Municipality, end: int, prefecture: Prefecture | None) -> bool:
    """A town of one character (名古屋中区錦3) counts where a number follows."""
    if _is_apart(found, prefecture, end):
        return True
    if found.city is None or (end == found.start + 1 and found.end == end + 1):
        return False
    town = town_at(found.text, found.end, found.city)
    return town is not None and (town.end > town.start + 1 or town.before_number(found.text.text))


def read_prefecture(text: str, start: int) -> tuple[int, Prefecture | None]:
    """Also twice (a form's list, then typed again), and without 県 where a city of it follows."""
    found: Prefecture | None = None
    while True:
        step, prefecture = _prefecture_at(text, start)
        if prefecture is None or (found and prefecture is not found):
            return start, found
        start, found = step, prefecture


def _after_country(text: str) -> int:
    match = _COUNTRY.match(text)
    return match.end() if match else 0


def _prefecture_at(text: str, start: int) -> tuple[int, Prefecture | None]:
    for length in (3, 4):
        prefecture = _prefectures().get(text[start : start + length])
        if prefecture:
            return start + length, prefecture
    for length in (2, 3):
        prefecture = _short_prefectures().get(text[start : start + length])
        if prefecture and _city_names_at(text, start + length, prefecture):
            return start + length, prefecture
    return start, None


def _read_city(
    text: Folded, start: int, prefecture: Prefecture | None, hints: tuple[City, ...]
) -> Municipality:
    for end, cities in _city_names_at(text.text, start, prefecture):
        city = _decide(text, end, cities, hints)
        belongs_to = city.prefecture if city else prefecture
        return Municipality(belongs_to, city, text, start, end)
    return Municipality(prefecture, None, text, start, start)


def _decide(
    text: Folded, end: int, cities: tuple[City, ...], hints: tuple[City, ...]
) -> City | None:
    """A false link costs more than a missed one: no guess by size or by likelihood."""
    if len(cities) == 1:
        return cities[0]
    with_town = _with_longest_town(text, end, cities)
    hinted = [city for city in with_town or cities if city in hints]
    for few in (with_town, hinted):
        if len(few) == 1:
            return few[0]
    return None


def _with_longest_town(text: Folded, end: int, cities: Iterable[City]) -> list[City]:
    """大門町 decides for 大宮区, though 緑区 has a 大門."""
    towns = [(town, city) for city in cities if (town := town_at(text, end, city))]
    found = [((town.end, town.exact), city) for town, city in towns]
    longest = max((how_far for how_far, _ in found), default=None)
    return [city for how_far, city in found if how_far == longest]


def _city_names_at(
    text: str, start: int, prefecture: Prefecture | None
) -> list[tuple[int, tuple[City, ...]]]:
    """The longest name that begins here, with every municipality that bears it."""
    by_name = places().by_name
    for end in range(min(len(text), start + _LONGEST_NAME), start + 1, -1):
        cities = by_name.get(text[start:end])
        if cities and prefecture:
            cities = tuple(city for city in cities if city.prefecture is prefecture)
        if cities:
            return [(end, cities)]
    return []


def _by_table(text: Folded, start: int, prefecture: Prefecture | None) -> Municipality | None:
    for end in range(min(len(text.text), start + _LONGEST_NAME), start + 1, -1):
        for old_prefecture, new in _mergers().get(text.text[start:end], ()):
            if prefecture in (None, old_prefecture):
                cities = places().by_prefecture[old_prefecture]
                found = _with_town(text, end, (c for c in cities if c.name.startswith(new)))
                if found:
                    return Municipality(old_prefecture, found, text, start, end, merged=True)
    return None


def _by_name_of_town(text: Folded, start: int, prefecture: Prefecture) -> Municipality | None:
    """古川市大崎 is 古川大崎 in 大崎市: one municipality has a town of the old one's name."""
    match = _OLD_NAME.match(text.text, start)
    if match is None:
        return None
    old, rest = match[1], text.text[match.end() :]
    repeated = [""] if rest.startswith(old) else []
    ends_of_name = [old[index:] for index in range(1, len(old) - 1)]
    for beginning in (old, f"{old}町", f"{old}村", f"{old}区", *repeated, *ends_of_name):
        shortest = len(beginning or old)
        names = (beginning + rest)[: shortest + _LONGEST_NAME]
        city = places().only_city_with_longest(prefecture, names, shortest)
        if city:
            renamed = text.replaced(start, match.end(), beginning)
            return Municipality(prefecture, city, renamed, start, start, merged=True)
    return None


def _with_town(text: Folded, end: int, cities: Iterable[City]) -> City | None:
    found = list(cities)
    if len(found) == 1:
        return found[0]
    with_town = _with_longest_town(text, end, found)
    return with_town[0] if len(with_town) == 1 else None


@cache
def _prefectures() -> dict[str, Prefecture]:
    return {fold_name(one.ja): one for one in PREFECTURES}


@cache
def _short_prefectures() -> dict[str, Prefecture]:
    return {fold_name(one.ja[:-1]): one for one in PREFECTURES if one.ja != "北海道"}


@cache
def _mergers() -> dict[str, tuple[tuple[Prefecture, str], ...]]:
    by_japanese = {one.ja: one for one in PREFECTURES}
    found: dict[str, tuple[tuple[Prefecture, str], ...]] = {}
    for prefecture, old, new in MERGERS:
        without_county = re.sub(".+郡", "", old)
        for name in {old, without_county}:
            entry = (by_japanese[prefecture], new)
            found[fold_name(name)] = (*found.get(fold_name(name), ()), entry)
    return found
