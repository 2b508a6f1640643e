"""A body as JSON, whatever bytes somebody sends."""

from typing import Any

import orjson

from gateway.wording import Detail

__all__ = ["NotJsonError", "parse_json"]

_DEEPEST = 64
"""Brackets in a body that only the standard library's parser, which recurses, might read."""


class NotJsonError(ValueError):
    """The body is not a JSON object; `detail` says why."""

    def __init__(self, detail: Detail) -> None:
        super().__init__(detail.text.en.removesuffix("."))
        self.detail = detail


def parse_json(raw: bytes) -> dict[str, Any]:
    """The body as an object. A lone surrogate is kept, so that its field can be named."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = _with_surrogates(raw)
    if not isinstance(body, dict):
        raise NotJsonError(Detail.BODY_NO_OBJECT)
    return body


def _with_surrogates(raw: bytes) -> Any:
    import json  # noqa: PLC0415 - only for bodies that are wrong

    if raw.count(b"[") + raw.count(b"{") > _DEEPEST:
        raise NotJsonError(Detail.BODY_NOT_JSON)
    try:
        text = raw.decode("utf-8")
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise NotJsonError(Detail.BODY_NOT_JSON) from None
    if "\\u" not in text.lower():
        raise NotJsonError(Detail.BODY_NOT_JSON)
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(name)
