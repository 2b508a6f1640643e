"""How one call is described: what it takes, what it answers, and which problems it may meet."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gateway import frozen

__all__ = ["JSON", "Operation", "Parameter", "Said", "Sent", "path", "query", "sent_header"]

Parameter = dict[str, Any]

JSON = "application/json"


@frozen
class Sent:
    """A body: its form or its shape, or a schema where neither can be."""

    shape: Any
    example: Any
    required: bool = True
    description: str = ""


@frozen
class Said:
    """An answer that is no problem. `shape` None: `schema` describes it, or it has no body."""

    description: str
    shape: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    media: str = JSON
    schema: Mapping[str, Any] | None = None


@frozen
class Operation:
    """`problems` are beside those that every call may meet; `key` is the security scheme.

    `filtered`: the query may hold the filter of deliveries.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    answers: Mapping[int, Said]
    problems: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""
    parameters: tuple[Parameter, ...] = ()
    sent: Sent | None = None
    filtered: bool = False
    key: str | None = None


def path(name: str, description: str, pattern: str, example: str) -> Parameter:
    schema = {"type": "string", "pattern": pattern}
    return _parameter("path", name, description, schema, example) | {"required": True}


def query(name: str, description: str, schema: Mapping[str, Any], example: Any) -> Parameter:
    """A list is written with commas."""
    made = _parameter("query", name, description, schema, example)
    return made | ({"style": "form", "explode": False} if schema["type"] == "array" else {})


def sent_header(name: str, description: str, schema: Mapping[str, Any], example: str) -> Parameter:
    return _parameter("header", name, description, schema, example)


def _parameter(
    place: str, name: str, description: str, schema: Mapping[str, Any], example: Any
) -> Parameter:
    return {
        "name": name,
        "in": place,
        "description": description,
        "schema": dict(schema),
        "example": example,
    }
