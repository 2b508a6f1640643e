"""Statements as the store's functions write them, made PostgreSQL's: once for each text."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from gateway import frozen

__all__ = ["Statement", "translated"]

_TOKEN = re.compile(
    r"(?P<kept>'(?:[^']|'')*')"
    r"|(?P<hint>\s(?:NOT INDEXED|INDEXED BY \w+))"
    r"|(?P<differs>\bIS NOT (?=\())"
    r"|\?(?P<number>\d*)|(?<!:):(?P<name>[a-z_]+)"
)


@frozen
class Statement:
    """`names`: of the parameters in their order; empty where they come in order."""

    text: bytes
    names: tuple[str, ...]

    def values(self, parameters: Mapping[str, Any] | Sequence[Any]) -> Sequence[Any]:
        if isinstance(parameters, Mapping):
            return [parameters[name] for name in self.names]
        return parameters


@lru_cache(maxsize=2048)
def translated(text: str) -> Statement:
    """`?`, `?1` and `:name` become `$1`. SQLite's hints on indexes go, and rows are compared with
    IS DISTINCT FROM, which SQLite knows as IS NOT (under the other name since 3.39 only).
    """
    names: list[str] = []
    count = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal count
        if found["kept"] is not None:
            return found["kept"]
        if found["hint"] is not None:
            return ""
        if found["differs"] is not None:
            return "IS DISTINCT FROM "
        if found["name"] is not None:
            if found["name"] not in names:
                names.append(found["name"])
            return f"${names.index(found['name']) + 1}"
        count += 1
        return f"${found['number'] or count}"

    return Statement(_TOKEN.sub(replaced, text).encode(), tuple(names))
