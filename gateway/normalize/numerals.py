"""Kanji numerals: 二十三, 一二三, 〇 and the numbers they stand for."""

import re
from typing import Final

DIGITS: Final = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_POSITIONAL: Final = re.compile("[〇零一二三四五六七八九]+")
_WELL_FORMED: Final = re.compile(
    "[〇零一二三四五六七八九]+"
    "|(?=.)(?:[一二三四五六七八九]?千)?(?:[二三四五六七八九]?百)?(?:[一二三四五六七八九]?十)?[一二三四五六七八九]?"
)
_UPWARD: Final = "01234567890"


def kanji_to_int(text: str) -> int:
    """二十三 -> 23, 一〇五 -> 105, 千二百 -> 1200. The text holds nothing but kanji numerals."""
    if _POSITIONAL.fullmatch(text):
        return int("".join(str(DIGITS[char]) for char in text))
    total = pending = 0
    for char in text:
        if char in _UNITS:
            total += (pending or 1) * _UNITS[char]
            pending = 0
        else:
            pending = pending * 10 + DIGITS[char]
    return total + pending


def is_made_up(digits: str) -> bool:
    """Whether digits are one digit again and again or a run (12345678): what fills a field."""
    return len(set(digits)) == 1 or digits in _UPWARD or digits in _UPWARD[::-1]


def is_kanji_number(text: str) -> bool:
    """Whether the text is a well-formed number (二十三, 一〇五): 三五十 is a name and none."""
    return _WELL_FORMED.fullmatch(text) is not None
