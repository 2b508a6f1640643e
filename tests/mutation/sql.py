"""Mutations of SQL, which mutmut leaves alone: what a query asks is logic like any other."""

import re
from collections.abc import Iterator

import libcst as cst

__all__ = ["mutate_sql"]

_IS_SQL = re.compile(
    r"\b(SELECT|UPDATE|INSERT INTO|DELETE FROM|WHERE|ORDER BY|CASE|NULL)\b|[<>=] \?"
)
_ASKED = r"((?:WHERE|AND|OR|ON|WHEN|NOT|iif\()\s*\(?\s*[\w.]+)"
_SWAPS = [
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\bAND\b", "OR"),
        (r"\bOR\b(?! IGNORE| REPLACE)", "AND"),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bIS NOT NULL\b", "IS NULL"),
        (r"\bNOT EXISTS\b", "EXISTS"),
        (r"(?<!NOT )\bIN (?=\()", "NOT IN "),
        (r"\bNOT IN\b", "IN"),
        (r"\bDESC\b", "ASC"),
        (r"ORDER BY id$", "ORDER BY -id"),
        (r" < ", " <= "),
        (r" <= ", " < "),
        (r" > ", " >= "),
        (r" >= ", " > "),
        (r" <> ", " = "),
        (_ASKED + " = ", r"\1 <> "),
        (r" \+ 1\b", " + 2"),
        (r" = 0\b", " = 1"),
        (r" = 1\b", " = 0"),
        (r"\bmax\((?=[^()]*,)", "min("),
        (r"(?<=\()'[a-z_]+', ?", ""),
        (r", '[a-z_]+'(?=\))", ""),
    )
]


def mutate_sql(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Of a string, or of the text between the values of an f-string."""
    if isinstance(node, (cst.SimpleString, cst.FormattedStringText)) and _IS_SQL.search(node.value):
        for pattern, new in _SWAPS:
            for found in pattern.finditer(node.value):
                text = node.value[: found.start()] + found.expand(new) + node.value[found.end() :]
                yield node.with_changes(value=text)
