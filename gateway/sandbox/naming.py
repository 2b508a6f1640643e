"""What a call names, and no value of it: parameters, columns and the fields of its body.

?limit              a parameter
fields=lastName     a column, by a parameter that names some
body:point          a field of a JSON body, `body:properties.email` one within it
form:grant_type     a field of a form
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import orjson

from gateway.sandbox.call import Call

__all__ = ["named"]

_NAMING = {"fields", "sort", "properties", "idProperty", "with_point_condition"}
"""Parameters whose values are names."""


def named(call: Call) -> frozenset[str]:
    return frozenset([*_parameters(call), *_body(call)])


def _parameters(call: Call) -> Iterator[str]:
    for name, text in call.query.items():
        yield f"?{name}"
        if name in _NAMING:
            yield from (f"{name}={part}" for part in text.split(","))


def _body(call: Call) -> Iterator[str]:
    if "urlencoded" in call.headers.get("Content-Type", ""):
        yield from (f"form:{name}" for name in parse_qs(call.body.decode(errors="replace")))
        return
    try:
        body = orjson.loads(call.body) if call.body else None
    except orjson.JSONDecodeError:
        return
    yield from (f"body:{name}" for name in _names(body, ""))


def _names(value: Any, before: str) -> Iterator[str]:
    """Of a list what its entries name: their places say nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            within = list(_names(inner, f"{before}{name}."))
            yield from within or [f"{before}{name}"]
    elif isinstance(value, list):
        for each in value:
            yield from _names(each, before)
