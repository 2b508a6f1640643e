"""Birth dates, however a till, a spreadsheet or a customer writes them."""

import re
import unicodedata
from datetime import date
from typing import Final

from gateway.normalize.characters import HYPHENS, scrub
from gateway.normalize.numerals import kanji_to_int

_ERAS: Final = {
    **dict.fromkeys(("明治", "明", "m"), 1867),
    **dict.fromkeys(("大正", "大", "t"), 1911),
    **dict.fromkeys(("昭和", "昭", "s"), 1925),
    **dict.fromkeys(("平成", "平", "h"), 1988),
    **dict.fromkeys(("令和", "令", "r"), 2018),
}
"""Each era's year 0 in the western calendar."""

_EARLIEST: Final = 1868
_HYPHEN: Final = str.maketrans(dict.fromkeys(HYPHENS, "-"))
_KANJI_NUMBER: Final = re.compile("[〇零一二三四五六七八九十百千]+")
_PLAIN: Final = re.compile("(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
_WESTERN: Final = re.compile(
    r"(?:西暦)?(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})"
    r"\s*日?(?:(?:生まれ?|生)|[T ]0{1,2}:00.*)?",
)
_ERA: Final = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|[明大昭平令]|[mtshr])\.?\s*(?P<year>\d{1,2}|元)\s*[-/.年]\s*"
    r"(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?(?:生まれ?|生)?",
    re.IGNORECASE,
)


def parse_birth_date(text: str) -> date | None:
    """The day, or None where the text is no day since 1868. No clock: the future is allowed."""
    if plain_day := _PLAIN.fullmatch(text):
        return _day(int(plain_day["year"]), plain_day)
    folded = unicodedata.normalize("NFKC", scrub(text[:100])).translate(_HYPHEN)
    plain = _KANJI_NUMBER.sub(lambda run: str(kanji_to_int(run[0])), folded)
    match = _COMPACT.fullmatch(plain) or _WESTERN.fullmatch(plain)
    if match:
        return _day(int(match["year"]), match)
    match = _ERA.fullmatch(plain)
    if match:
        year = 1 if match["year"] == "元" else int(match["year"])
        return _day(_ERAS[match["era"].lower()] + year, match) if year else None
    return None


def _day(year: int, match: re.Match[str]) -> date | None:
    try:
        day = date(year, int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    return day if day.year >= _EARLIEST else None
