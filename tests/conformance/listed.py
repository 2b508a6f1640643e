"""The lists of every request that goes out, one file an upstream, and what stands in none.

An entry of a list:

    name        the operation's name in errors and metrics (of GraphQL the first root field)
    request     as the stand-ins' journal names it
    source      where it is documented
    names       what it may name, as `gateway.sandbox.naming` writes that
    also        names of the groups under [names] that it may name too
    parameters, form, body    shorter for names `?x`, `form:x`, `body:x`; any other key is that of a
                parameter whose values are names: `fields` for `fields=x`
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.sandbox.journal import Asked

__all__ = ["FILES", "Listed", "lists", "unlisted"]

FILES = {"shopify": "shopify", "smaregi": "smaregi", "crm": "hubspot", "email": "smtp"}
"""The stand-ins' systems, and the file of each."""

_BY_TESTS = {("shopify", "customerMerge")}
"""What tests ask the stand-ins themselves, as staff of the shop."""
_SAID = {"name", "request", "source", "also"}
_FORMS = {"names": "{}", "parameters": "?{}", "form": "form:{}", "body": "body:{}"}


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    request: str
    names: frozenset[str]
    source: str


@cache
def lists() -> Mapping[str, tuple[Listed, ...]]:
    """By system."""
    return {system: tuple(_read(file)) for system, file in FILES.items()}


def _read(file: str) -> Iterator[Listed]:
    told = tomllib.loads(Path(__file__).with_name(f"{file}.toml").read_text("utf-8"))
    groups = told.get("names", {})
    for entry in told["request"]:
        names = frozenset([*_own(entry), *(n for g in entry.get("also", ()) for n in groups[g])])
        yield Listed(entry.get("name", entry["request"]), entry["request"], names, entry["source"])


def _own(entry: Mapping[str, Any]) -> Iterator[str]:
    for kind, names in entry.items():
        if kind not in _SAID:
            yield from (_FORMS.get(kind, f"{kind}={{}}").format(name) for name in names)


def unlisted(asked: Iterable[Asked]) -> list[str]:
    """What went out and fits no entry, each with what it names too much."""
    return sorted(
        problem
        for each in asked
        if (each.system, each.operation) not in _BY_TESTS and (problem := _problem(each))
    )


def _problem(asked: Asked) -> str:
    entries = [one for one in lists()[asked.system] if one.request == asked.operation]
    if not entries:
        return f"{asked.system}: {asked.operation} is not in the list"
    too_much = min((asked.names - entry.names for entry in entries), key=len)
    names = ", ".join(sorted(too_much))
    return f"{asked.system}: {asked.operation} names {names}" if too_much else ""
