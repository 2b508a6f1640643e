"""The OpenAPI document, made of the forms that check, the shapes that mypy holds the answers to,
and what each call says of itself. Not a request's business: it is made once.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from gateway.http.forms.delivery_filter import FilterForm
from gateway.http.openapi import (
    customers,
    deliveries,
    form_filling,
    others,
    registrations,
    reservations,
)
from gateway.http.openapi.headers import ALWAYS, EVERYWHERE, HEADERS
from gateway.http.openapi.operation import Operation, Parameter, Said, Sent, query
from gateway.http.openapi.problems import ANY, ANY_WITH_BODY, ANY_WITH_KEY, NOWHERE, example
from gateway.http.openapi.words import ABOUT, KEYS, TAGS
from gateway.responses.shapes import Problem

__all__ = ["document", "document_bytes"]

Schema = dict[str, Any]

OPERATIONS: tuple[Operation, ...] = (
    *registrations.OPERATIONS,
    *form_filling.OPERATIONS,
    *customers.OPERATIONS,
    *reservations.OPERATIONS,
    *deliveries.OPERATIONS,
    *others.OPERATIONS,
)
_PLACE = "#/components/schemas/{model}"


@cache
def document_bytes() -> bytes:
    return orjson.dumps(document())


def document() -> Schema:
    schemas, refs = _schemas(_shapes())
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        filters = schemas["FilterForm"]["properties"] if operation.filtered else {}
        described = _operation(operation, refs, filters)
        paths.setdefault(operation.path, {})[operation.method] = described
    met = {pair for each in OPERATIONS for pair in _pairs(_problems(each))} | NOWHERE
    return {
        "openapi": "3.1.0",
        "info": {**ABOUT, "version": version("registration-gateway")},
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": KEYS,
            "headers": HEADERS,
            "examples": {_name(*pair): _shown(*pair) for pair in sorted(met)},
        },
    }


def _shapes() -> list[Any]:
    shapes = [each.sent.shape for each in OPERATIONS if each.sent is not None]
    shapes += [said.shape for each in OPERATIONS for said in each.answers.values()]
    return [Problem, FilterForm, *(each for each in shapes if isinstance(each, type))]


class _Generator(GenerateJsonSchema):
    """A default of null says only that a field may be left out; a title would repeat the name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            del made["default"]
        return made


def _schemas(shapes: Iterable[Any]) -> tuple[dict[str, Schema], dict[Any, Schema]]:
    """The components, and what names each shape. Forms are what we read, the others what we say."""
    inputs: list[tuple[Any, Any, Any]] = [
        (each, "validation" if issubclass(each, BaseModel) else "serialization", TypeAdapter(each))
        for each in dict.fromkeys(shapes)
    ]
    refs, made = TypeAdapter.json_schemas(inputs, ref_template=_PLACE, schema_generator=_Generator)
    components: dict[str, Schema] = dict(sorted(made["$defs"].items()))
    return components, {shape: ref for (shape, _), ref in refs.items()}


def _operation(operation: Operation, refs: Mapping[Any, Schema], filters: Schema) -> Schema:
    made: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*operation.parameters, *_filters(filters), *ALWAYS],
        "responses": {
            **{str(status): _said(said, refs) for status, said in operation.answers.items()},
            **{str(s): _refused(s, kinds) for s, kinds in sorted(_problems(operation).items())},
        },
    }
    if operation.text:
        made["description"] = operation.text
    if operation.sent is not None:
        made["requestBody"] = _sent(operation.sent, refs)
    if operation.key is not None:
        made["security"] = [{operation.key: []}]
    return made


def _filters(properties: Schema) -> list[Parameter]:
    """The form's fields, as a query writes them: a list with commas."""
    return [
        query(name, each["description"], each["anyOf"][0], _FILTER_EXAMPLES[name])
        for name, each in properties.items()
    ]


_FILTER_EXAMPLES: Schema = {
    "channel": ["crm"],
    "outcome": ["failed", "retrying"],
    "error_class": ["timeout"],
    "kind": ["registration"],
    "id": [42],
    "since": "2026-11-21T09:00:00Z",
    "until": "2026-11-22",
    "customer": "7000000000001",
    "registration": "01a2000a118ed7c1571e7df6faad368b",
    "reason": "550 5.1.1 Mailbox unavailable",
}


def _sent(sent: Sent, refs: Mapping[Any, Schema]) -> Schema:
    schema = sent.shape if isinstance(sent.shape, dict) else refs[sent.shape]
    made: Schema = {
        "required": sent.required,
        "content": {"application/json": {"schema": schema, "example": sent.example}},
    }
    return made | ({"description": sent.description} if sent.description else {})


def _said(said: Said, refs: Mapping[Any, Schema]) -> Schema:
    made: Schema = {"description": said.description, "headers": _headers(said.headers)}
    if said.media:
        schema = said.schema if said.shape is None else refs[said.shape]
        examples = {name: {"value": value} for name, value in said.examples.items()}
        made["content"] = {said.media: {"schema": schema, "examples": examples}}
    return made


def _refused(status: int, kinds: tuple[str, ...]) -> Schema:
    """One of these problems."""
    only = {"type": "object", "properties": {"type": {"enum": list(kinds)}}}
    schema = {"allOf": [{"$ref": _PLACE.format(model="Problem")}, only]}
    examples = {k: {"$ref": f"#/components/examples/{_name(status, k)}"} for k in kinds}
    return {
        "description": "; ".join(example(status, kind)["title"] for kind in kinds) + ".",
        "headers": _headers((*_PROBLEM_HEADERS.get(status, ()), "Content-Language", "Vary")),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    }


_PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After", "Idempotent-Replayed"),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def _headers(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, *EVERYWHERE)}


def _problems(operation: Operation) -> dict[int, tuple[str, ...]]:
    """By status: its own, then those of its kind of call."""
    sources = [operation.problems]
    if operation.sent is not None:
        sources.append(ANY_WITH_BODY)
    if operation.key in {"storefront", "operator", "metrics"}:
        sources.append(ANY_WITH_KEY)
    kinds: dict[int, tuple[str, ...]] = {}
    for source in (*sources, ANY):
        for status, more in source.items():
            kinds[status] = tuple(dict.fromkeys((*kinds.get(status, ()), *more)))
    return kinds


def _pairs(kinds: Mapping[int, tuple[str, ...]]) -> list[tuple[int, str]]:
    return [(status, kind) for status, named in kinds.items() for kind in named]


def _name(status: int, kind: str) -> str:
    return f"{status}-{kind}"


def _shown(status: int, kind: str) -> Schema:
    body = example(status, kind)
    return {"summary": body["title"], "value": body}
