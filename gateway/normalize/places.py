"""The municipalities and towns of Japan, as `gateway/normalize/japan/` has them (Japan Post).

Its file is read at first use, in some 10 ms. The names of a municipality's towns stay packed, and
most questions are answered by a look at those; tables of them are made when they are asked for, in
30 µs. Those of all would take 20 MB, so only those that were asked for last stay.
"""

import re
import sys
from array import array
from binascii import a2b_base64
from bisect import bisect_left
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from typing import Final
from zlib import crc32

import orjson

from gateway import frozen
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
    packed: str = field(repr=False)
    """Official names of its towns: `|東|西|`."""
    otherwise: str = field(repr=False)
    """Those that folding changes: `|霞が関=霞ケ関|`."""
    going_on: str = field(repr=False)
    """Those that `goes_on` is asked about."""
    initials: str = field(repr=False)
    """What the squeezed names of its towns begin with."""

    @property
    def names_of_towns(self) -> list[str]:
        """Official names."""
        return unpacked(self.packed)

    def town_at(self, index: int) -> str:
        """The official name that begins there in `packed`; '' for 0, no town."""
        return self.packed[index : self.packed.index("|", index)] if index else ""

    def goes_on(self, name: str) -> bool:
        """Whether another town's name is this one that goes on with a number: 本町 and 本町一丁目.
        So does '' where a town begins with a number.
        """
        return f"|{name}|" in self.going_on

    def spells_alike(self, name: str) -> bool:
        """Whether another town's name is folded to the same as this one: 高畠 and 高畑."""
        folded = self.folded_town(name)
        return self.otherwise.count(f"={folded}|") + (f"|{folded}|" in self.packed) > 1

    def folded_names(self) -> tuple[str, ...]:
        """As `names_of_city` has them, folded."""
        return _folded_names(self)

    def folded_town(self, name: str) -> str:
        """Of an official name."""
        _, changed, rest = self.otherwise.partition(f"|{name}=")
        return rest[: rest.index("|")] if changed else name

    def towns(self) -> dict[str, str]:
        """Folded name -> official name."""
        return _towns_of(self).folded

    def towns_squeezed(self) -> dict[str, str]:
        """Folded name without ケ, ノ and ツ, where no other town has that -> official name."""
        return _towns_of(self).squeezed

    def towns_without_ending(self) -> dict[str, str]:
        """As squeezed, without 町, 条, 番町 and the like at the end -> official name."""
        return _towns_of(self).without_ending


@frozen
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
        return tuple(dict.fromkeys(self.cities[self.city_of_code[at]] for at in self._rows(code)))

    def all_of_postal_code(self, code: str) -> tuple[tuple[City, str], ...]:
        """Municipalities with their towns, '' where the code is of no single town."""
        return tuple(dict.fromkeys(map(self._named, self._rows(code))))

    def town_of_postal_code(self, code: str) -> tuple[City, str] | None:
        """The one town that a code names; None where it names several, or none."""
        rows = self._rows(code)
        found = self._named(rows[0]) if len(rows) == 1 else None
        return found if found and found[1] else None

    def _rows(self, code: str) -> range:
        number = int(code)
        first = after = bisect_left(self.codes, number)
        while after < len(self.codes) and self.codes[after] == number:
            after += 1
        return range(first, after)

    def _named(self, row: int) -> tuple[City, str]:
        city = self.cities[self.city_of_code[row]]
        return city, city.town_at(self.town_of_code[row])

    def only_city_with_town(self, prefecture: Prefecture, folded: str) -> City | None:
        """None where no municipality of the prefecture has such a town, or several have."""
        return self.only_city_with_longest(prefecture, folded, len(folded) - 1)

    def only_city_with_longest(
        self, prefecture: Prefecture, folded: str, shortest: int
    ) -> City | None:
        """By the longest beginning, longer than `shortest`, that is the name of a town of one
        municipality of the prefecture alone.
        """
        if folded[:1] not in _initials(prefecture):
            return None
        hashes = list(accumulate(folded, hash_goes_on, initial=hash_of_town(prefecture, "")))
        for end in range(len(folded), shortest, -1):
            index = bisect_left(self.hashes_of_towns, hashes[end])
            while index < len(self.hashes_of_towns) and self.hashes_of_towns[index] == hashes[end]:
                city = self.cities[self.city_of_town[index]]
                if city.prefecture is prefecture and folded[:end] in city.towns():
                    return city
                index += 1
        return None


def hash_of_town(prefecture: Prefecture, folded: str) -> int:
    """By which the town is found without every name in memory; two may have the same."""
    return crc32(f"{prefecture.code} {folded}".encode())


def hash_goes_on(before: int, more: str) -> int:
    """Of a town's name that goes on."""
    return crc32(more.encode(), before)


@cache
def places() -> Places:
    """Reads the file at the first call, and keeps what it needs."""
    with FILE.open("rb") as file:
        known, columns, lines = orjson.loads(file.readline()), _columns(file.readline()), [*file]
    by_code = {one.code: one for one in PREFECTURES}
    cities = tuple(
        City(by_code[code], name, *orjson.loads(line))
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


def unpacked(names: str) -> list[str]:
    """The names of a text `|東|西|`, in which each is found without being taken out."""
    return names.strip("|").split("|") if names else []


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
def _initials(prefecture: Prefecture) -> frozenset[str]:
    """What folded names of its towns begin with; squeezed ones may have lost their first."""
    cities = places().by_prefecture[prefecture]
    return frozenset("ケノツ条").union(*(city.initials for city in cities))


@cache
def _folded_names(city: City) -> tuple[str, ...]:
    return tuple(fold_name(name) for name in names_of_city(city.name))


_JO: Final = re.compile("条(?=.)")
_ENDING: Final = re.compile("番(?<=.番)[町丁]$|[町丁村通条](?<=..)$", re.MULTILINE)


def squeezed(folded: str) -> str:
    """Without what stands between two characters in one spelling and not in another: 阿佐ヶ谷."""
    return folded.replace("ケ", "").replace("ノ", "").replace("ツ", "")


def squeezed_towns(prefecture: Prefecture, lines: str) -> str:
    """A town in each line. In Hokkaido 北3条西 is written 北3西, too."""
    jo = prefecture.code == "JP-01"
    return squeezed(_JO.sub("", lines) if jo else lines)


class _Towns:
    """Of a municipality; each further table is made at first use."""

    def __init__(self, city: City) -> None:
        self._prefecture = city.prefecture
        otherwise = dict(pair.split("=") for pair in unpacked(city.otherwise))
        self.folded = {otherwise.get(name, name): name for name in city.names_of_towns}

    @cached_property
    def squeezed(self) -> dict[str, str]:
        return self._by(squeezed_towns(self._prefecture, self._lines), ())

    @cached_property
    def without_ending(self) -> dict[str, str]:
        lines = squeezed_towns(self._prefecture, _ENDING.sub("", self._lines))
        return self._by(lines, self.squeezed)

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
