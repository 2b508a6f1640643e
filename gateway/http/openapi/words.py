"""What the document says of the whole API."""

from typing import Any

__all__ = ["ABOUT", "KEYS", "TAGS"]

ABOUT: dict[str, Any] = {
    "title": "Registration gateway",
    "summary": "One sign-up reaches Shopify, Smaregi, the CRM and the mailbox.",
    "license": {"name": "MIT", "identifier": "MIT"},
    "description": (
        "Call it from your server, never from the browser: the key is a secret. Send and expect "
        "JSON in UTF-8.\n\n"
        "Errors are `application/problem+json` (RFC 9457). A program goes by `type`, which is one "
        "of a closed set; a field that is unknown is an error, so that a typo is not silently "
        "lost. An answer may gain fields. A method that an address does not have is answered 405 "
        "`method-not-allowed` with `Allow`, an address that does not exist 404 `not-found`.\n\n"
        "Every answer carries `X-Request-Id`. Give it to the operator: the log has it."
    ),
}
TAGS: list[dict[str, str]] = [
    {"name": "Registrations", "description": "Sign-ups."},
    {"name": "Forms", "description": "What helps to fill a form; nothing is sent or kept."},
    {"name": "Customers", "description": "What a signed-in customer is shown, and may change."},
    {"name": "Deliveries", "description": "For operators: what the channels are owed."},
    {"name": "Webhooks", "description": "Called by Shopify and Smaregi."},
    {"name": "Monitoring", "description": "For the operator's machines."},
    {"name": "Description", "description": "What you are reading."},
]
_LOCAL = "Where no key is set at all, programs of the gateway's own machine need none."
KEYS: dict[str, Any] = {
    "storefront": {
        "type": "http",
        "scheme": "bearer",
        "description": f"A key of `GATEWAY_API_KEYS`. {_LOCAL}",
    },
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `GATEWAY_OPERATOR_KEYS`, which the storefront does not have.",
    },
    "metrics": {
        "type": "http",
        "scheme": "bearer",
        "description": f"The key of `GATEWAY_METRICS_KEY`. {_LOCAL}",
    },
    "shopifySignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Shopify-Hmac-Sha256",
        "description": "Base64 of HMAC-SHA256 over the raw body, with `SHOPIFY_WEBHOOK_SECRET`.",
    },
    "smaregiSecret": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`SMAREGI_WEBHOOK_SECRET`, in this or any header of your own name.",
    },
}
