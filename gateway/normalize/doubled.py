"""What two fields of an address say twice, said once: a town, a whole line, a building."""

import re
from typing import Final

from gateway.normalize.folding import Folded, fold

__all__ = ["merged_building", "without_double"]

_STARTS_A_TOWN: Final = re.compile("[市区町村字]$")
_WARD: Final = re.compile(".{1,4}区")
_GOES_ON: Final = re.compile("[\ue000-\uf8fe0-9-]|$|丁目?|番|大?字")


def without_double(before: str, after: str, *, whole: bool = True) -> str:
    """`before` without its end, where `after` begins with that: 渋谷区道玄坂 and 道玄坂2-10-7.

    What is told twice is a town, a ward or a whole line, never a part of a name: 丸の内 stays
    before 丸の内ビル. `whole`: nothing may be left of it.
    """
    if after[:1] not in before:  # most addresses, at no cost
        return before
    first, second = fold(before), fold(after)
    for start in range(max(0, len(first.text) - len(second.text)), len(first.text) - 1):
        if start and not _STARTS_A_TOWN.search(first.text[:start]):
            continue
        repeated = first.text[start:]
        if second.text.startswith(repeated) and (
            _is_name(first.text, start, second.text)
            or ((start or whole) and _ends(after, second, len(repeated)))
        ):
            return before[: first.origin[start]].rstrip()
    return before


def _is_name(text: str, start: int, after: str) -> bool:
    """A ward's after its city, or a city's before its ward; 養父市 has a town 養父市場."""
    if start == 0:
        return text.endswith("市") and _WARD.match(after, len(text)) is not None
    return text.endswith(("市", "区"))


def _ends(text: str, whole: Folded, index: int) -> bool:
    """Whether the town or the line ends there, and no longer name begins."""
    if _is_number(whole.text[index - 1]) or _GOES_ON.match(whole.text, index):
        return True
    return _is_space(text, whole, index)


def _is_space(text: str, whole: Folded, index: int) -> bool:
    return text[whole.origin[index] - 1 : whole.origin[index]].isspace()


def merged_building(building: str, more: str) -> str:
    """Both, or the one that says all that the other does."""
    if not building or not more:
        return building or more
    first, second = fold(building), fold(more)
    if _contains(building, first, second.text):
        return building
    if _contains(more, second, first.text):
        return more
    return f"{_without_overlap(building, first, second, more)} {more}".strip()


def _without_overlap(building: str, first: Folded, second: Folded, more: str) -> str:
    """ABCビル 501 and 501号室: the room is told once."""
    for start in range(1, len(first.text)):
        repeated = first.text[start:]
        cut = second.text.startswith(repeated) and _is_cut(building, first, start)
        if cut and _is_cut(more, second, len(repeated)):
            return building[: first.origin[start]].rstrip()
    return building


def _contains(text: str, whole: Folded, part: str) -> bool:
    """At its beginning or its end, and cut there between two words."""
    if whole.text.startswith(part):
        return _is_cut(text, whole, len(part))
    return whole.text.endswith(part) and _is_cut(text, whole, len(whole.text) - len(part))


def _is_cut(text: str, whole: Folded, index: int) -> bool:
    if index in (0, len(whole.text)) or _is_space(text, whole, index):
        return True
    return _is_number(whole.text[index - 1]) != _is_number(whole.text[index])


def _is_number(char: str) -> bool:
    return char.isdecimal() or "\ue000" <= char <= "\uf8fe"
