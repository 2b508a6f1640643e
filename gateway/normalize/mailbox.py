"""A mailbox as settings name it: `Shop <shop@example.com>`, or the address alone (RFC 5322)."""

import re
from functools import lru_cache
from typing import Final

from gateway import frozen
from gateway.normalize.characters import has_invisible
from gateway.normalize.email import clean_email, smtp_address

__all__ = ["Mailbox", "parse_mailbox"]

_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NEEDS_QUOTES: Final = re.compile(r'[@,;:"\\<>]')
_NEVER_BARE: Final = re.compile(r'["\\<>]')
_LONGEST_NAME: Final = 255
_FORM: Final = (
    "should be an address, such as shop@example.com or Shop <shop@example.com>; "
    "a name with @ or a comma stands in quotes, and in .env all of it in single ones: "
    """'"Shop @ Tokyo" <shop@example.com>'"""
)


@frozen
class Mailbox:
    """`name` as people are to read it, '' for none; `address` is ASCII, ready for SMTP."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@lru_cache(16)
def parse_mailbox(text: str) -> Mailbox:
    """Exactly one mailbox. ValueError says the right form, and never what was given.

    A name in ASCII needs quotes where a reader would take it for an address or for a list. A name
    in other letters is sent as encoded words, so nothing in it can be taken for anything.
    """
    text = text.strip()
    if has_invisible(text):
        raise ValueError("should hold no line break and no invisible character")
    before, found, rest = text.rpartition("<") if text.endswith(">") else ("", "", "")
    try:
        return Mailbox(_name(before.strip()), _address(rest[:-1] if found else text))
    except ValueError:
        raise ValueError(_FORM) from None


def _name(written: str) -> str:
    if quoted := _QUOTED.fullmatch(written):
        written = re.sub(r"\\(.)", r"\1", quoted[1])
    elif (_NEEDS_QUOTES if written.isascii() else _NEVER_BARE).search(written):
        raise ValueError
    if len(written) > _LONGEST_NAME:
        raise ValueError
    return written


def _address(written: str) -> str:
    return smtp_address(clean_email(written))
