"""Postal codes, and the municipalities that they belong to."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from gateway import REMEMBERED, frozen
from gateway.normalize.characters import HYPHENS, scrub
from gateway.normalize.numerals import is_made_up
from gateway.normalize.places import City, places

_HYPHEN: Final = f"[{re.escape(HYPHENS)}]"
_CODE: Final = re.compile(
    rf"(?:〒|郵便番号|T(?=[0-9]))?[\s:]*([0-9]{{3}})[\s]*{_HYPHEN}?[\s]*([0-9]{{4}})"
)
_IN_LINE: Final = re.compile(
    rf"^\s*(?:〒|郵便番号)?[\s:]*([0-9]{{3}}){_HYPHEN}?([0-9]{{4}})(?![0-9{re.escape(HYPHENS)}])[\s、,]*"
    rf"|[\s(、,]*(?:〒|郵便番号)[\s:]*([0-9]{{3}}){_HYPHEN}?([0-9]{{4}})\)?"
)
_PLAIN: Final = re.compile("([0-9]{3})-?([0-9]{4})")
_LONGEST: Final = 30


@frozen
class Place:
    """`town` is '' where a code is of a whole municipality, a tower, or one large customer."""

    prefecture: str
    city: str
    town: str


def clean_postal_code(text: str) -> str | None:
    """Every way to write it as "150-0043"; None where the text is no Japanese postal code."""
    match = _PLAIN.fullmatch(text) or _CODE.fullmatch(
        unicodedata.normalize("NFKC", scrub(text[:_LONGEST]))
    )
    return f"{match[1]}-{match[2]}" if match else None


def postal_key(text: str) -> str:
    """The seven digits, for comparison; '' where there is no code, or one that fills a field."""
    code = clean_postal_code(text) if text else None
    digits = code.replace("-", "") if code else ""
    return "" if not digits or is_made_up(digits) else digits


def take_postal_code(line: str) -> tuple[str, str]:
    """A code at the beginning of a line or after 〒, and the line without it; '' if none."""
    match = _IN_LINE.search(line)
    if match is None:
        return "", line
    code = f"{match[1] or match[3]}-{match[2] or match[4]}"
    return code, f"{line[: match.start()]} {line[match.end() :]}".strip()


def places_of_postal_code(code: str) -> tuple[Place, ...]:
    """Where a clean code points, for a form: each municipality with the towns of the code."""
    found = places().all_of_postal_code(code.replace("-", ""))
    return tuple(Place(city.prefecture.ja, city.name, town) for city, town in found)


def cities_of_postal_code(code: str | None) -> tuple[City, ...]:
    """Where a clean code points; empty where the post does not know it."""
    return places().of_postal_code(code.replace("-", "")) if code else ()


@lru_cache(REMEMBERED)
def town_of_postal_code(code: str) -> tuple[City, str] | None:
    """The one town of a clean code ("150-0043"); None where it names several or none, and where the
    name may end elsewhere than it seems.
    """
    found = places().town_of_postal_code(code.replace("-", ""))
    return None if found is None or found[0].goes_on(found[1]) else found
