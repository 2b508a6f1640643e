"""The headers that answers carry, and those that callers may send."""

from typing import Any

from gateway.http.openapi.operation import Parameter, sent_header

__all__ = ["ALWAYS", "EVERYWHERE", "HEADERS", "IDEMPOTENCY_KEY", "SIGN_UP", "VISITOR"]

_TEXT = {"type": "string"}


def _header(description: str, example: str, *, always: bool = False, **schema: Any) -> Any:
    return {
        "description": description,
        "required": always,
        "schema": {**_TEXT, **schema},
        "example": example,
    }


HEADERS: dict[str, Any] = {
    "X-Request-Id": _header(
        "Give it to the operator: the log has it.", "4f2a1c9be07d6358", always=True
    ),
    "X-Client-Request-Id": _header("The `X-Request-Id` that you sent.", "checkout-7731"),
    "Location": _header(
        "What was accepted: ask it how it went.",
        "/v1/registrations/01a2000a118ed7c1571e7df6faad368b",
        always=True,
    ),
    "Retry-After": _header("Seconds to wait.", "5", pattern="^[1-9][0-9]*$"),
    "Preference-Applied": _header("That you asked for it.", "respond-async"),
    "Idempotent-Replayed": _header("`true`: this request was answered before.", "true"),
    "Content-Language": _header("Of the texts: `en` or `ja`.", "ja"),
    "Vary": _header("That the texts go by it.", "Accept-Language"),
    "WWW-Authenticate": _header("How to show a key.", 'Bearer realm="registration gateway"'),
    "ETag": _header("Of this picture.", '"0f343b0931126a20"', always=True),
    "Content-Security-Policy": _header("What may run.", "default-src 'none'", always=True),
    "Cache-Control": _header("Who may keep it.", "private, max-age=300", always=True),
}
EVERYWHERE = ("X-Request-Id", "X-Client-Request-Id")

VISITOR: tuple[Parameter, ...] = (
    sent_header(
        "X-Client-Address",
        "The visitor's own IP address: then the rate limit is the visitor's. Never a header that "
        "the visitor can set.",
        {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
        "203.0.113.7",
    ),
)
IDEMPOTENCY_KEY: tuple[Parameter, ...] = (
    sent_header(
        "Idempotency-Key",
        "New for each form, and the same when you send that request again: for 24 hours the answer "
        "is the same, and nothing happens twice.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "6f1c0e4a-signup",
    ),
)
SIGN_UP: tuple[Parameter, ...] = (
    *IDEMPOTENCY_KEY,
    sent_header(
        "Prefer",
        "`respond-async`: answered 202 at once, and sent to Shopify as soon as it accepts it.",
        _TEXT,
        "respond-async",
    ),
)
ALWAYS: tuple[Parameter, ...] = (
    sent_header("Accept-Language", "Of problems and warnings: `en` or `ja`.", _TEXT, "ja"),
    sent_header(
        "X-Request-Id",
        "Your own id of this request; it comes back as `X-Client-Request-Id`.",
        _TEXT,
        "checkout-7731",
    ),
)
