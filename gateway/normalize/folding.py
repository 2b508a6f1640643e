"""Text as names of places are compared: one character for each number, none for spaces.

東京都 渋谷区道玄坂１丁目 and 東京都渋谷区道玄坂一丁目 have the same folded text. Where a folded
character came from is kept, so that what was written can be cut at the same place.
"""

import re
from typing import Final

from gateway import frozen
from gateway.normalize.characters import HYPHENS
from gateway.normalize.numerals import is_kanji_number, kanji_to_int
from gateway.normalize.variants import fold_variants_in_place

_FIRST_NUMBER: Final = 0xE000
_LARGEST: Final = 6399
"""Numbers take the place of the 6400 characters of the private use area."""

_NUMBER_TOKEN: Final = re.compile("[\ue000-\uf8fe]")
_SAME: Final = {
    **dict.fromkeys("ヶヵがガ", "ケ"),
    **dict.fromkeys("ッつっ", "ツ"),
    **dict.fromkeys("の之乃", "ノ"),
    "ヱ": "エ",
    "ヰ": "イ",
    "ニ": chr(_FIRST_NUMBER + 2),
    "通り": "通",
    "麸": "麩",
    **dict.fromkeys("巳已", "己"),
    "冶": "治",
    "班": "斑",
    "菟": "兎",
    "祗": "祇",
    "畠": "畑",
    "涌": "湧",
    **dict.fromkeys(HYPHENS, "-"),
}
"""ヶ/ケ/が, ツ/ッ and の/ノ/之 are written at will in names of places (霞が関, 霞ヶ関, 霞ケ関);
ニ (the kana) is typed for 二, and one of two look-alikes for the other (辰巳, 鍛冶町)."""

_SPACES: Final = "\\s、,\ufe00-\ufe0f\U000e0100-\U000e01ef"
_KANJI_DIGITS: Final = "〇零一二三四五六七八九十"
_OTHERS: Final = re.escape("".join(same for same in _SAME if len(same) == 1))
_TOKEN: Final = re.compile(
    f"(?P<digits>[0-9]+)|(?P<kanji>[{_KANJI_DIGITS}]+|[百千])|(?P<skipped>[{_SPACES}]+)"
    f"|通り|[{_OTHERS}]|(?P<plain>(?:(?!通り)[^0-9{_KANJI_DIGITS}百千{_SPACES}{_OTHERS}])+)"
)


@frozen
class Folded:
    """`text`, and for each of its characters and its end the index in the original."""

    text: str
    origin: tuple[int, ...]

    def replaced(self, start: int, end: int, new: str) -> "Folded":
        """A copy with other characters between two indices; they come from where the old began."""
        origin = (*self.origin[:start], *(self.origin[start] for _ in new), *self.origin[end:])
        return Folded(self.text[:start] + new + self.text[end:], origin)


def fold(text: str) -> Folded:
    """The text must have full-width ASCII and half-width kana folded already."""
    plain = fold_variants_in_place(text)
    characters: list[str] = []
    origin: list[int] = []
    for match in _TOKEN.finditer(plain):
        kind = match.lastgroup
        if kind == "skipped":
            continue
        folded = match[0] if kind == "plain" else _fold_token(match[0], kind)
        characters.append(folded)
        origin.extend(range(match.start(), match.start() + len(folded)))
    origin.append(len(text))
    return Folded("".join(characters), tuple(origin))


def fold_name(name: str) -> str:
    """Folded text alone, of a name in the master data or of a part of an address."""
    return fold(name).text


def number_token(number: int) -> str:
    """The character that stands for a number, or its digits where it is too large."""
    return chr(_FIRST_NUMBER + number) if number <= _LARGEST else str(number)


def readable(text: str) -> str:
    """Folded text with its numbers in digits again."""
    return _NUMBER_TOKEN.sub(lambda token: str(ord(token[0]) - _FIRST_NUMBER), text)


def _fold_token(token: str, kind: str | None) -> str:
    if kind == "digits":
        return number_token(int(token)) if len(token) < 5 else token
    if kind == "kanji":
        return number_token(kanji_to_int(token)) if is_kanji_number(token) else token
    return _SAME[token]
