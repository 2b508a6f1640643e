"""Webhooks, monitoring, and this description itself."""

from gateway.http.openapi.operation import Operation, Parameter, Said, Sent, path, sent_header
from gateway.responses.shapes import Health

__all__ = ["OPERATIONS", "VIEWER"]

VIEWER = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "redoc.standalone.js": "text/javascript; charset=utf-8",
}
"""The files of the page that shows this description, and their types."""

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_TAKEN = Said("It is kept, or is none of our concern.", examples={"taken": {}}, schema=_OBJECT)
_METRICS = "# TYPE gateway_deliveries_open gauge\ngateway_deliveries_open 3.0\n"


def _webhook(source: str, name: str, key: str, parameters: tuple[Parameter, ...]) -> Operation:
    return Operation(
        "post",
        f"/webhooks/{source}",
        f"{source}Webhook",
        "Webhooks",
        f"Take a webhook of {name}",
        {200: _TAKEN},
        {
            400: ("malformed",),
            401: ("unauthorized",),
            503: ("not-configured", "not-accepted"),
        },
        f"Called by {name}, not by you. Answered once it is on disk; only ids are kept of it.",
        parameters,
        Sent(_OBJECT, {"id": 7000000000001}, description="At most 256 KiB."),
        key=key,
    )


OPERATIONS = (
    _webhook(
        "shopify",
        "Shopify",
        "shopifySignature",
        (
            sent_header("X-Shopify-Topic", "What it is about.", _TEXT, "customers/update"),
            sent_header("X-Shopify-Webhook-Id", "The same when it comes again.", _TEXT, "b54557e4"),
        ),
    ),
    _webhook(
        "smaregi",
        "Smaregi",
        "smaregiSecret",
        (
            sent_header("smaregi-event", "What it is about.", _TEXT, "pos:customers"),
            sent_header("smaregi-event-id", "The same when it comes again.", _TEXT, "e-1"),
        ),
    ),
    Operation(
        "get",
        "/healthz",
        "isAlive",
        "Monitoring",
        "Does the process live?",
        {200: Said("It does.", Health, {"alive": Health(status="ok")})},
    ),
    Operation(
        "get",
        "/readyz",
        "isReady",
        "Monitoring",
        "Can it take requests?",
        {200: Said("It can.", Health, {"ready": Health(status="ready")})},
        {503: ("not-ready", "another-shop")},
        "Settings and database are fit. Answered within half a second, however much waits. "
        "An upstream's trouble does not make it unready.",
    ),
    Operation(
        "get",
        "/metrics",
        "getMetrics",
        "Monitoring",
        "Measure it",
        {
            200: Said(
                "In Prometheus's text format.",
                examples={"metrics": _METRICS},
                media="text/plain",
                schema=_TEXT,
            )
        },
        text="With the key of `GATEWAY_METRICS_KEY`; without one, from this machine alone.",
        key="metrics",
    ),
    Operation(
        "get",
        "/openapi.json",
        "getDescription",
        "Description",
        "This description",
        {
            200: Said(
                "OpenAPI 3.1.",
                examples={"document": {"openapi": "3.1.0"}},
                schema={"type": "object", "required": ["openapi"]},
            )
        },
    ),
    Operation(
        "get",
        "/docs",
        "readDescription",
        "Description",
        "This page",
        {
            200: Said(
                "A page to read it.",
                headers=("Content-Security-Policy", "Cache-Control"),
                examples={"page": "<!doctype html>…"},
                media="text/html",
                schema=_TEXT,
            )
        },
    ),
    Operation(
        "get",
        "/docs/{file}",
        "getViewer",
        "Description",
        "Its script and style",
        {
            200: Said(
                "The file.",
                headers=("Cache-Control",),
                examples={"style": "body { margin: 0; }"},
                media="text/*",
                schema=_TEXT,
            )
        },
        {404: ("not-found",)},
        parameters=(path("file", "Its name.", "^[^/]+$", "page.js"),),
    ),
)
