"""Whether an answer is one that the OpenAPI document describes. Every `World` asks this of every
answer, so no test can meet one that callers were not told of.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from gateway.http.openapi import document

__all__ = ["undescribed"]

Schema = dict[str, Any]


@cache
def _document() -> Schema:
    made = document()
    _close(made["components"]["schemas"])
    return made


def _close(schemas: Schema) -> None:
    """For callers an answer may gain fields; here a field that is not described is a mistake."""
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)


@cache
def _paths() -> list[tuple[re.Pattern[str], Schema]]:
    """The more a path says literally, the sooner; a customer's gid holds slashes."""
    paths: Schema = _document()["paths"]
    return [(_pattern(path), paths[path]) for path in sorted(paths, key=_freedom)]


def _freedom(path: str) -> tuple[int, int]:
    return path.count("{"), -len(path)


def _pattern(path: str) -> re.Pattern[str]:
    literal = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    anything = literal.replace("{shopify_customer_id}", "(?:gid:.*Customer/)?[^/]+")
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", anything))


def undescribed(
    method: str, path: str, status: int, headers: Mapping[str, str], body: Any
) -> str | None:
    """What is wrong with an answer, or None. `body`: parsed if it is JSON, otherwise not looked at.

    Of an address or a method that the document does not have, the answer may only be a problem.
    """
    calls = next((calls for pattern, calls in _paths() if pattern.fullmatch(path)), {})
    operation = calls.get("get" if method == "HEAD" else method.lower())
    if operation is None:
        return None if status in {401, 403, 404, 405, 415} else f"{path} is not described"
    said = operation["responses"].get(str(status))
    if said is None:
        return f"{status} is not described"
    missing = [name for name in _required(said) if name not in headers]
    if missing:
        return f"{status} lacks {missing}"
    media = headers.get("Content-Type", "").partition(";")[0]
    content = said.get("content", {})
    if content and not {media, f"{media.partition('/')[0]}/*"} & content.keys():
        return f"{status} comes as {media!r}"
    return _wrong_body(content[media]["schema"], body) if body is not None else None


def _required(said: Schema) -> list[str]:
    known: Schema = _document()["components"]["headers"]
    return [name for name in said["headers"] if known[name]["required"]]


def _wrong_body(schema: Schema, body: Any) -> str | None:
    error = next(_validator(json.dumps(schema)).iter_errors(body), None)
    return error and f"{error.json_path}: {error.message}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    """Its references lead into the document."""
    return Draft202012Validator(
        {**json.loads(schema), "components": _document()["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
