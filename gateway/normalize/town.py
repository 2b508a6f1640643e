"""The town (町名, 大字) in a folded address, and the street before it in Kyoto."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.normalize.folding import Folded
from gateway.normalize.places import City

_LONGEST_TOWN: Final = 20
_AZA: Final = re.compile("[大小]?字")
_ABBREVIATED_JO: Final = re.compile("([東西南北][\ue000-\uf8fe])(?=[東西南北])")
"""北3西6 is short for 北三条西六丁目 in Sapporo and Obihiro."""

_DIRECTION: Final = re.compile("[上下]ケ?[るルリ]|[東西南北]入[るルリり]?")
_STREET: Final = re.compile("通|筋|[大小]路|条")
_FARTHEST_STREET: Final = 40
_AFTER_DIRECTION: Final = 8


@dataclass(frozen=True, slots=True)
class Town:
    """`name` as the postal data has it; `start` and `end` are indices of the folded text."""

    name: str
    start: int
    end: int


def read_town(text: Folded, start: int, city: City) -> Town | None:
    """The town that the address names; in Kyoto it may follow a street (寺町通御池上る)."""
    if city.name.startswith("京都市"):
        after_street = _after_street(text, start, city)
        if after_street:
            return after_street
    found = town_at(text, start, city)
    if found or not city.name.startswith("京都市"):
        return found
    farthest = min(len(text.text), start + _FARTHEST_STREET)
    found = _somewhere(text, range(start + 2, farthest), city)
    return found if found and _STREET.search(text.text, start, found.start) else None


def town_at(text: Folded, start: int, city: City) -> Town | None:
    """The longest of the city's towns that begins at `start`, with or without 大字 and 字."""
    found = _longest(text.text, start, city)
    if "字" in text.text[start : start + _LONGEST_TOWN]:
        found = _longer(found, _without_aza(text, start, city))
    if found is None and city.prefecture.code == "JP-01":
        found = _with_jo(text.text, start, city)
    return found


def _longest(text: str, start: int, city: City) -> Town | None:
    towns = city.towns()
    for end in range(min(len(text), start + _LONGEST_TOWN), start, -1):
        name = towns.get(text[start:end])
        if name:
            return Town(name, start, end)
    return None


def _longer(first: Town | None, second: Town | None) -> Town | None:
    if first is None or second is None:
        return first or second
    return second if len(second.name) > len(first.name) else first


def _without_aza(text: Folded, start: int, city: City) -> Town | None:
    end = min(len(text.text), start + _LONGEST_TOWN)
    places = [match.span() for match in _AZA.finditer(text.text, start, end)]
    best: Town | None = None
    for count in range(1, len(places) + 1):
        kept = _indices_without(len(text.text), places[:count])
        found = _longest("".join(text.text[index] for index in kept), start, city)
        if found:
            before_end = kept[found.end - 1]
            best = _longer(best, Town(found.name, start, before_end + 1))
    return best


def _indices_without(length: int, spans: list[tuple[int, int]]) -> list[int]:
    return [i for i in range(length) if not any(begin <= i < end for begin, end in spans)]


def _with_jo(text: str, start: int, city: City) -> Town | None:
    match = _ABBREVIATED_JO.match(text, start)
    if match is None:
        return None
    longer = f"{text[: match.end()]}条{text[match.end() :]}"
    found = _longest(longer, start, city)
    return Town(found.name, start, found.end - 1) if found else None


def _after_street(text: Folded, start: int, city: City) -> Town | None:
    end = min(len(text.text), start + _FARTHEST_STREET)
    for direction in reversed(list(_DIRECTION.finditer(text.text, start, end))):
        first = direction.end()
        found = _somewhere(text, range(first, first + _AFTER_DIRECTION), city)
        if found:
            return found
    return None


def _somewhere(text: Folded, starts: range, city: City) -> Town | None:
    """One that ends in 町 or is long enough not to be a part of a street's name."""
    for start in starts:
        found = town_at(text, start, city)
        if found and (start == starts.start or len(found.name) > 2):
            return found
    return None
