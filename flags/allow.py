"""Allow-lists: e-mail addresses and whole domains, written `a@example.com,@example.co.jp`.

An allow-list is personal data: what is wrong in it is told by position, never by content.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet

import idna

# Deliberately lenient before the @: old carrier addresses (`ab..cd@`, `abc.@`) are real ones.
# A lone * is refused, because it looks like a pattern and would match nobody.
_ENTRY = re.compile(r"""(?!\*@)[^@\s<>:;"]*@[a-z0-9-]+(\.[a-z0-9-]+)+""")


def read_allow(text: str) -> tuple[frozenset[str], tuple[int, ...]]:
    """The canonical entries, and the positions (from 1) of entries that are neither
    an e-mail nor an @domain. Empty entries, as after a last comma, are passed over.
    """
    entries, wrong = set(), []
    for position, raw in enumerate(unicodedata.normalize("NFKC", text).split(","), start=1):
        entry = _canonical(raw)
        if _ENTRY.fullmatch(entry):
            entries.add(entry)
        elif entry:
            wrong.append(position)
    return frozenset(entries), tuple(wrong)


def is_listed(email: str, allow: AbstractSet[str]) -> bool:
    """Whether `allow`, as `read_allow` makes it, holds the e-mail or exactly its domain.

    A domain does not stand for its subdomains.
    """
    address = _canonical(email)
    _, at, domain = address.rpartition("@")
    return address in allow or (at + domain) in allow


def _canonical(address: str) -> str:
    """NFKC, trimmed, lower case; the domain in ASCII, since both its spellings are in use."""
    folded = unicodedata.normalize("NFKC", address).strip().lower()
    local, at, domain = folded.rpartition("@")
    if domain.isascii():
        return folded
    try:
        return local + at + idna.encode(domain, uts46=True).decode()
    except UnicodeError:  # no domain at all: equal to no entry
        return folded
