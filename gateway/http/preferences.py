"""The `Prefer` header (RFC 7240): what the caller would like. Unknown preferences are ignored."""

import re

from multidict import CIMultiDictProxy

__all__ = ["prefers"]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def prefers(headers: CIMultiDictProxy[str], name: str) -> bool:
    """Whether one of the headers names this preference without a value, with or without parameters.

    An empty value counts as none (section 2 of the RFC).
    """
    if "Prefer" not in headers:
        return False
    return any(name in _preferences(line) for line in headers.getall("Prefer"))


def _preferences(line: str) -> set[str]:
    """Names in lower case; those with a value are left out. Quoted text may hold separators."""
    plain = _QUOTED.sub(lambda quoted: "" if quoted[0] == '""' else "value", line)
    heads = (item.partition(";")[0].partition("=") for item in plain.split(","))
    return {name.strip().lower() for name, _, value in heads if not value.strip()}
