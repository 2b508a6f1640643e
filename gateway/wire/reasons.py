"""The upstream's own reason: its words for people, without any value that was sent.

What an upstream says of a refusal may quote the customer. So whatever was sent is taken out of its
words, and besides it what looks like somebody's: addresses, numbers, ids. What is left names fields
and rules, is the same for all whom the same thing happens to, and may be stored and shown.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import orjson

from gateway.errors import plain

__all__ = ["LONGEST", "reason_of", "values_in"]

LONGEST = 200
"""Characters that are kept."""
_GONE = "…"
_LONGEST_TOLD = 4000
"""Characters that are looked at; nobody's reason is longer."""
_MAIL = re.compile(r"<?[^\s<>@]+@[^\s<>@,;:)]+>?")
_NUMBER = re.compile(r"\+?\d(?:[\d\-() ]{2,}\d)")
_NETWORK = re.compile(r"\[?(?:\d{1,3}\.){3}\d{1,3}\]?|\[?(?:[0-9a-fA-F]{1,4}:){3,}[0-9a-fA-F:]*\]?")
_CODE = re.compile(r"(?<![\d.])[245]\d\d(?:[ -]+[245]\.\d{1,3}\.\d{1,3})?(?![\d.])")
_ID = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{8,}(?![\w-])", re.ASCII)
_WORDS = re.compile(r"[\s　,，、。()「」@/]+")


def reason_of(told: str, sent: Iterable[str]) -> str | None:
    """`told` on one line, cut, with a … in place of every value of `sent`; None if nothing is left.

    An SMTP code at the beginning stays, with its enhanced code.
    """
    text = plain(unicodedata.normalize("NFKC", told[:_LONGEST_TOLD])).strip()
    code = _CODE.match(text)
    head, text = (code[0], text[code.end() :]) if code else ("", text)
    if values := sorted(set(_parts(sent)), key=len, reverse=True):
        text = re.sub("|".join(map(_whole, values)), _GONE, text, flags=re.IGNORECASE)
    for kind in (_MAIL, _NETWORK, _ID, _NUMBER):
        text = kind.sub(_GONE, text)
    text = " ".join(f"{head}{text}".split())
    text = re.sub(rf"<?{_GONE}(?:[\s\-.@,]*{_GONE})*>?", _GONE, text)
    return text[:LONGEST].rstrip() if text.strip(f" {_GONE}") else None


def _parts(sent: Iterable[str]) -> Iterator[str]:
    """Each value, and the words that it is made of: an upstream may quote a part."""
    for value in sent:
        folded = unicodedata.normalize("NFKC", value).strip()
        yield from (part for part in (folded, *_WORDS.split(folded)) if part)


def _whole(value: str) -> str:
    """Of letters and digits it is a word of its own: who is called Al does not end `value`."""
    before = r"(?<![A-Za-z0-9])" if value[0].isascii() and value[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if value[-1].isascii() and value[-1].isalnum() else ""
    return before + re.escape(value) + after


def values_in(url: str, *sent: Any) -> Iterator[str]:
    """Every value of a request: of its JSON body and parameters, and the ids in its path."""
    yield from (part for part in map(unquote, url.split("/")[3:]) if any(map(str.isdigit, part)))
    for each in sent:
        yield from _leaves(_parsed(each))


def _parsed(sent: Any) -> Any:
    if not isinstance(sent, bytes):
        return sent
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError:
        return sent.decode("utf-8", "replace")


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
