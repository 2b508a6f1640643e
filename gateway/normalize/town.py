"""The town (町名, 大字) in a folded address, and the street before it in Kyoto."""

import re
from typing import Final

from gateway import frozen
from gateway.normalize.folding import Folded
from gateway.normalize.places import City

_LONGEST_TOWN: Final = 20
_AZA: Final = re.compile("[大小]?字")
_NUMBER: Final = "[\ue000-\uf8fe0-9]"
_ENDS: Final = re.compile(f"{_NUMBER}|$|[大小]?字")
_ENDS_SURELY: Final = re.compile(f"{_NUMBER}(?=[-丁番号区ノ]|{_NUMBER}|$)|$|[大小]?字")
"""芦田八野 goes on behind its number, and is 芦田八ケ野."""

_ENDS_A_NUMBER: Final = re.compile(f"[-ノ]?{_NUMBER}")
_LEFT_OUT: Final = "大小字ケノツ条"
"""What a town's name may be read without, at its beginning too."""

_NO_TOWN: Final = frozenset("東西南北大小上下")
"""東6線北15号 is no 東町, 大字 no 大町."""

_TOWN_TOO_MUCH: Final = re.compile(f"(?:町|(?<={_NUMBER})ツ)(?={_NUMBER}|$)")
_DIRECTION: Final = re.compile("[上下]ケ?[るルリ]|[東西南北]入[るルリり]?")
_STREET: Final = re.compile("通|筋|[大小]路|条")
_FARTHEST_STREET: Final = 40
_AFTER_DIRECTION: Final = 8


@frozen
class Town:
    """`name` as the postal data has it; `start` and `end` are indices of the folded text.

    `exact`: written as there, but for what the folding makes equal.
    """

    name: str
    start: int
    end: int
    exact: bool = True

    def before_number(self, text: str) -> bool:
        return _ENDS.match(text, self.end) is not None


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
    first = text.text[start : start + 1]
    if first not in city.initials and first not in _LEFT_OUT:
        return None
    found = _longest(text.text, start, city)
    if "字" in text.text[start : start + _LONGEST_TOWN]:
        found = _longer(found, _without_aza(text, start, city))
    if found is None or not _ENDS_SURELY.match(text.text, found.end):
        found = _spelled_otherwise(text.text, start, city, found)
    return found


def _spelled_otherwise(text: str, start: int, city: City, found: Town | None) -> Town | None:
    """阿佐ヶ谷南 for 阿佐谷南, 子安 for 子安町, 子安町 for 子安; `found` if that is longer."""
    left_out = "ケノツ条" if city.prefecture.code == "JP-01" else "ケノツ"
    farthest = min(len(text), start + _LONGEST_TOWN)
    kept = [index for index in range(start, farthest) if text[index] not in left_out]
    name = "".join(text[index] for index in kept)
    for length in range(len(kept), 0, -1):
        end = kept[length - 1] + 1
        if found and end <= found.end:
            break
        end += text.startswith("条", end) and "条" in left_out
        part = name[:length]
        town = city.towns().get(part) or city.towns_squeezed().get(part)
        town = town or _without_ending(text, end, city, part)
        if town:
            return Town(town, start, end, exact=False)
    if found and _TOWN_TOO_MUCH.match(text, found.end):
        return Town(found.name, start, found.end + 1, exact=False)
    return found


def _without_ending(text: str, end: int, city: City, name: str) -> str | None:
    """A number must follow, so that no part of a longer name is taken for a whole one."""
    if name in _NO_TOWN or (len(name) == 1 and text.startswith("字", end)):
        return None
    follows = _ENDS_A_NUMBER if "\ue000" <= name[-1] <= "\uf8fe" else _ENDS
    return city.towns_without_ending().get(name) if follows.match(text, end) else None


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


def _after_street(text: Folded, start: int, city: City) -> Town | None:
    end = min(len(text.text), start + _FARTHEST_STREET)
    for direction in reversed(list(_DIRECTION.finditer(text.text, start, end))):
        first = direction.end()
        found = _somewhere(text, range(first, first + _AFTER_DIRECTION), city)
        if found:
            return found
    return None


def _somewhere(text: Folded, starts: range, city: City) -> Town | None:
    """One too long to be part of a street's name, or that stands first or after 丁目."""
    for start in starts:
        found = town_at(text, start, city)
        first = start == starts.start or text.text.startswith("丁目", start - 2)
        if found and (first or len(found.name) > 2):
            return found
    return None
