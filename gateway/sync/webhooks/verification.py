"""Whether a webhook is genuine, and what it is about: pure functions of its headers and raw body.

Shopify signs the raw body: base64 of HMAC-SHA256 in `X-Shopify-Hmac-Sha256`. Smaregi signs nothing;
the value of a header that was set in its console is the only proof, under whatever name. Of the
body only ids are taken.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.customer import numeric_id
from gateway.points import ORDER_TOPICS, OrderNotice, order_in
from gateway.store.events import NewEvent

__all__ = [
    "CONSENT",
    "CREATED",
    "DATA_REQUEST",
    "DELETED",
    "ENABLED",
    "MERGED",
    "REDACT",
    "SHOP_REDACT",
    "SUBSCRIBED",
    "TOPICS",
    "UPDATED",
    "MalformedError",
    "could_be_shopifys",
    "is_of_concern",
    "is_shopifys",
    "is_smaregis",
    "shopify_event",
    "smaregi_event",
]

CREATED = "customers/create"
UPDATED = "customers/update"
ENABLED = "customers/enable"
DELETED = "customers/delete"
MERGED = "customers/merge"
_COMPLETED = "completed"
"""`CustomerMergeRequestStatus`; the others are failed, in_progress and requested."""
CONSENT = "customers_email_marketing_consent/update"
REDACT = "customers/redact"
DATA_REQUEST = "customers/data_request"
SHOP_REDACT = "shop/redact"

SUBSCRIBED: Mapping[str, str] = {
    "CUSTOMERS_CREATE": CREATED,
    "CUSTOMERS_UPDATE": UPDATED,
    "CUSTOMERS_ENABLE": ENABLED,
    "CUSTOMERS_DELETE": DELETED,
    "CUSTOMERS_MERGE": MERGED,
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE": CONSENT,
}
"""`WebhookSubscriptionTopic` -> the header's word, of what can be subscribed to by the API."""

_BY_NAME = {
    **SUBSCRIBED,
    **ORDER_TOPICS,
    "CUSTOMERS_REDACT": REDACT,
    "CUSTOMERS_DATA_REQUEST": DATA_REQUEST,
    "SHOP_REDACT": SHOP_REDACT,
}
_ORDERS: Mapping[str, Mapping[str, type]] = {
    REDACT: {"customer": dict, "orders_to_redact": list},
    DATA_REQUEST: {"customer": dict, "data_request": dict},
    SHOP_REDACT: {"customer": type(None)},
}
"""Fields and their types that the body of each privacy topic has, and no other topic's."""
_MEMBERS = "pos:customers"
_ACTIONS = {"created", "edited", "deleted", "bulk-update", "bulk-deleted"}
TOPICS = frozenset({*_BY_NAME.values(), *(f"{_MEMBERS} {action}" for action in _ACTIONS), _MEMBERS})
"""Every topic that an event can have: a closed set, for metrics."""

_LONGEST_ID = 200
_DIGEST = hashlib.sha256().digest_size


class MalformedError(Exception):
    """Genuine, but not a webhook of this sender; the text says what is wrong, never a value."""


def could_be_shopifys(signature: str) -> bool:
    """Whether it has the form of one, before any body is read: base64 of 32 bytes."""
    try:
        return len(base64.b64decode(_bytes(signature.strip()), validate=True)) == _DIGEST
    except ValueError:
        return False


def is_of_concern(topic: str) -> bool:
    """False for a topic that we do not handle. A missing topic is reported to the sender."""
    return not topic or _name(topic) in _BY_NAME


def _name(topic: str) -> str:
    return topic.upper().replace("/", "_")


def is_shopifys(raw: bytes, signature: str, secret: str) -> bool:
    expected = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest())
    return hmac.compare_digest(expected, _bytes(signature.strip()))


_STANDARD = re.compile(
    r"(accept|content|x-forwarded|smaregi|if)-.*|x-real-ip|x-request-id|trace(parent|state)"
    r"|accept|cache-control|connection|cookie|date|expect|forwarded|host|keep-alive|origin|pragma"
    r"|priority|referer|te|trailer|transfer-encoding|upgrade|user-agent|via",
    re.IGNORECASE,
)
"""Headers that every sender or proxy sets, or Smaregi by itself: they prove nothing."""


def is_smaregis(headers: Iterable[tuple[str, str]], secret: str) -> bool:
    """Whether a header has the secret: any that is not a standard one, since its name is the
    operator's choice, and `Authorization`.

    Each is compared whatever the others gave; `Bearer` before the secret may be there.
    """
    wanted = secret.encode()
    given = [
        _bytes(value.strip().removeprefix("Bearer ").strip())
        for name, value in headers
        if not _STANDARD.fullmatch(name)
    ]
    matches = [hmac.compare_digest(wanted, value) for value in given]
    return any(matches)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def shopify_event(
    headers: Mapping[str, str], raw: bytes, store: str
) -> NewEvent | OrderNotice | None:
    """What a webhook that Shopify signed is about; None if we do not handle it.

    `store` is SHOPIFY_STORE: one app may be installed in several.
    """
    name = _name(headers.get("X-Shopify-Topic", ""))
    event_id = _event_id("shopify", headers.get("X-Shopify-Webhook-Id", ""))
    if not name:
        raise MalformedError("the topic is missing")
    body = _object(raw)
    topic = _BY_NAME.get(name)
    if topic is None:
        return None
    if topic in _ORDERS and not _is_order_to_us(topic, body, store):
        return None
    if name in ORDER_TOPICS:
        return OrderNotice(topic, _id(order_in(topic, body)))
    if topic == SHOP_REDACT:
        return NewEvent(event_id, "shopify", topic)
    if topic == MERGED:
        if str(body.get("status") or _COMPLETED).lower() != _COMPLETED:
            return None  # failed, or not done yet: nobody was merged
        kept = _id(body.get("admin_graphql_api_customer_kept_id"))
        gone = _id(body.get("admin_graphql_api_customer_deleted_id"))
        return NewEvent(event_id, "shopify", topic, kept, gone)
    return NewEvent(event_id, "shopify", topic, _customer(topic, body))


def _is_order_to_us(topic: str, body: Mapping[str, Any], store: str) -> bool:
    """The signature covers only the body, so a body signed under another topic must not pass."""
    if not all(isinstance(body.get(name), kind) for name, kind in _ORDERS[topic].items()):
        raise MalformedError(f"this is no {topic}")
    return str(body.get("shop_domain") or "").lower() == store.lower()


def _customer(topic: str, body: Mapping[str, Any]) -> int:
    if topic == CONSENT:
        return _id(body.get("customer_id"))
    if topic in {REDACT, DATA_REQUEST}:
        customer = body.get("customer")
        return _id(customer.get("id") if isinstance(customer, dict) else None)
    return _id(body.get("id"))


def smaregi_event(headers: Mapping[str, str], raw: bytes, contract: str) -> NewEvent | None:
    """What a webhook of Smaregi's is about; None for other events, and for another contract's."""
    event_id = _event_id("smaregi", headers.get("smaregi-event-id", ""))
    body = _object(raw)
    said = str(headers.get("smaregi-contract-id") or body.get("contractId") or contract)
    event = headers.get("smaregi-event") or body.get("event")
    if event != _MEMBERS or said != contract:
        return None
    ids = body.get("customerIds")
    if not isinstance(ids, list):
        raise MalformedError("the list of members is missing")
    action = body.get("action")
    topic = f"{_MEMBERS} {action}" if action in _ACTIONS else _MEMBERS
    return NewEvent(event_id, "smaregi", topic, members=tuple(_id(each) for each in ids))


def _event_id(source: str, text: str) -> str:
    if not (0 < len(text) <= _LONGEST_ID and text.isascii() and text.isprintable()):
        raise MalformedError("the event's id is missing")
    return f"{source}:{text}"


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise MalformedError("the body is not a JSON object")
    return body


def _id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise MalformedError("an id is missing")
    try:
        number = numeric_id(str(value))
    except ValueError:
        raise MalformedError("an id is missing") from None
    if number >= 2**63:
        raise MalformedError("an id is missing")
    return number
