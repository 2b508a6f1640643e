"""The municipalities and towns of Japan, as `gateway/normalize/japan/` has them (Japan Post).

Its file is read at first use, in some 10 ms; the towns of a municipality when they are asked for,
in 30 µs. Those of all would take 20 MB, so only those that were asked for last stay.
"""

import re
import sys
from array import array
from binascii import a2b_base64
from bisect import bisect_left
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Final
from zlib import crc32

import orjson

from gateway.normalize.folding import fold_name
from gateway.normalize.japan import FILE
from gateway.normalize.prefecture import PREFECTURES, Prefecture

_REMEMBERED: Final = 32
"""Municipalities whose towns stay."""


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """A municipality, or a ward of a designated city with its city's name (横浜市港北区)."""

    prefecture: Prefecture
    name: str
    line: bytes = field(repr=False)
    """Of the file: the towns, not yet read."""

    @property
    def names_of_towns(self) -> tuple[str, ...]:
        """Official names, in the order in which `Places.town_of_code` counts them from 1."""
        return _towns_of(self).names

    def folded_names(self) -> tuple[str, ...]:
        """As `names_of_city` has them, folded."""
        return _folded_names(self)

    def folded_town(self, name: str) -> str:
        """Of an official name."""
        return _towns_of(self).folded_of(name)

    def towns(self) -> dict[str, str]:
        """Folded name -> official name."""
        return _towns_of(self).folded

    def towns_squeezed(self) -> dict[str, str]:
        """Folded name without ケ, ノ and ツ, where no other town has that -> official name."""
        return _towns_of(self).squeezed

    def towns_without_ending(self) -> dict[str, str]:
        """As squeezed, without 町, 条, 番町 and the like at the end -> official name."""
        return _towns_of(self).without_ending


@dataclass(frozen=True, slots=True)
class Places:
    """Everything at once; `places()` makes the only one."""

    cities: tuple[City, ...]
    by_name: dict[str, tuple[City, ...]]
    by_prefecture: dict[Prefecture, tuple[City, ...]]
    codes: "array[int]"
    city_of_code: "array[int]"
    town_of_code: "array[int]"
    hashes_of_towns: "array[int]"
    city_of_town: "array[int]"

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

    def only_city_with_town(self, prefecture: Prefecture, folded: str) -> City | None:
        """None where no municipality of the prefecture has such a town, or several have."""
        wanted = hash_of_town(prefecture, folded)
        index = bisect_left(self.hashes_of_towns, wanted)
        while index < len(self.hashes_of_towns) and self.hashes_of_towns[index] == wanted:
            city = self.cities[self.city_of_town[index]]
            if city.prefecture is prefecture and folded in city.towns():
                return city
            index += 1
        return None


def hash_of_town(prefecture: Prefecture, folded: str) -> int:
    """By which the town is found without every name in memory; two may have the same."""
    return crc32(f"{prefecture.code} {folded}".encode())


@cache
def places() -> Places:
    """Reads the file at the first call, and keeps what it needs."""
    with FILE.open("rb") as file:
        known, columns, lines = orjson.loads(file.readline()), _columns(file.readline()), [*file]
    by_code = {one.code: one for one in PREFECTURES}
    cities = tuple(
        City(by_code[code], name, line)
        for (code, name), line in zip(known["municipalities"], lines, strict=True)
    )
    return Places(
        cities,
        {name: tuple(cities[n] for n in numbers) for name, numbers in known["names"].items()},
        {one: tuple(city for city in cities if city.prefecture is one) for one in PREFECTURES},
        *columns,
    )


def _columns(line: bytes) -> list["array[int]"]:
    columns = [array(kind, a2b_base64(text)) for kind, text in orjson.loads(line)]
    if sys.byteorder == "big":
        for column in columns:
            column.byteswap()
    return columns


def load_places() -> None:
    """Reads the file now; for whoever serves."""
    places()


def names_of_city(name: str) -> list[str]:
    """The whole name; then 愛知郡東郷町 without 郡, 横浜市港北区 as 港北区 and last as 横浜市."""
    county = re.fullmatch("(.+?郡|八丈島|三宅島)(.+[町村])", name)
    ward = re.fullmatch("(.+?市)(.+区)", name)
    shorter = [county[2]] if county else [ward[2], ward[1]] if ward else []
    return [name, *shorter]


@cache
def _folded_names(city: City) -> tuple[str, ...]:
    return tuple(fold_name(name) for name in names_of_city(city.name))


_JO: Final = re.compile("条(?=.)")
_ENDING: Final = re.compile("番(?<=.番)[町丁]$|[町丁村通条](?<=..)$", re.MULTILINE)


def squeezed(folded: str) -> str:
    """Without what stands between two characters in one spelling and not in another: 阿佐ヶ谷."""
    return folded.replace("ケ", "").replace("ノ", "").replace("ツ", "")


def _squeezed_towns(city: City, lines: str) -> str:
    """A town in each line. In Hokkaido 北3条西 is written 北3西, too."""
    jo = city.prefecture.code == "JP-01"
    return squeezed(_JO.sub("", lines) if jo else lines)


class _Towns:
    """Of a municipality; each table is made at first use."""

    def __init__(self, city: City) -> None:
        read = orjson.loads(city.line)
        self._city = city
        self._otherwise: dict[str, str] = read["folded"]
        self.names: tuple[str, ...] = tuple(read["towns"])

    def folded_of(self, name: str) -> str:
        return self._otherwise.get(name, name)

    @cached_property
    def folded(self) -> dict[str, str]:
        return dict(zip(map(self._otherwise.get, self.names, self.names), self.names, strict=True))

    @cached_property
    def squeezed(self) -> dict[str, str]:
        return self._by(_squeezed_towns(self._city, self._lines), ())

    @cached_property
    def without_ending(self) -> dict[str, str]:
        return self._by(_squeezed_towns(self._city, _ENDING.sub("", self._lines)), self.squeezed)

    @property
    def _lines(self) -> str:
        """All names in one text: to change each takes a tenth of changing one after the other."""
        return "\n".join(self.folded)

    def _by(self, lines: str, taken: Container[str]) -> dict[str, str]:
        """The names in the lines -> official name. One that two towns would have is neither's."""
        found: dict[str, str] = {}
        twice: set[str] = set()
        # Without any town there is one line all the same.
        for other, name in zip(lines.split("\n"), self.folded.values(), strict=False):
            if other and other not in self.folded and other not in taken:
                twice.update([other] if other in found else [])
                found[other] = name
        return {other: name for other, name in found.items() if other not in twice}


@lru_cache(_REMEMBERED)
def _towns_of(city: City) -> _Towns:
    return _Towns(city)
