"""Requests made by a seeded generator: every route, and every way to be wrong that we know of."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.sync.webhooks.webhook import from_shopify, from_smaregi
from tests.world import OPERATOR, registration

__all__ = ["Request", "requests"]

ROUTES = (
    ("POST", "/v1/registrations"),
    ("GET", "/v1/registrations/{}"),
    ("PATCH", "/v1/customers/{}"),
    ("GET", "/v1/customers/{}/points"),
    ("GET", "/v1/customers/{}/card.svg"),
    ("GET", "/v1/deliveries"),
    ("POST", "/v1/deliveries/{}/replay"),
    ("POST", "/v1/deliveries/{}/discard"),
    ("POST", "/v1/deliveries/replay"),
    ("POST", "/webhooks/shopify"),
    ("POST", "/webhooks/smaregi"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/{}"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1e308, "", " ", "\x00", "\ud800", "x" * 5000, "山" * 300),
    *("' OR 1=1 --", "../../etc", "{{7*7}}", "%00", "\r\nX: y", "\u202e", [], [[]], {}, {"a": {}}),
    *("gid://shopify/Customer/1", "9" * 30, "2026-02-30", "090-0000-0000", "taro@例え.jp"),
)
IDS = (
    "1",
    "7000000000001",
    "0",
    "-1",
    "9" * 25,
    "%2e%2e",
    "%00",
    "é",
    "gid:%2F%2Fx%2F1",
    "a" * 900,
)
QUERIES = (
    "",
    "?",
    "?limit=0",
    "?limit=x&cursor=-1",
    "?channel=fax",
    "?format=qr",
    "?since=%ff&a=&a=",
)
TYPES = (
    "application/json",
    "text/plain",
    "application/json; charset=x",
    "multipart/form-data",
    "/",
)
HEADERS = (
    {"Idempotency-Key": "generated"},
    {"Idempotency-Key": "x" * 300},
    {"Prefer": 'respond-async, wait="'},
    {"X-Request-Id": "<b>"},
    {"Content-Encoding": "gzip"},
    {"Accept": "text/html"},
    {"Range": "bytes=0-5"},
    {"If-None-Match": '"x", *'},
    {"Expect": "100-continue"},
    {"Origin": "https://evil.example"},
    {"X-Shopify-Topic": "customers/redact"},
    {"Authorization": "Bearer " + "k" * 4000},
)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def requests(seed: int, count: int) -> Iterator[Request]:
    """Always the same ones for one seed."""
    rng = Random(seed)
    for number in range(count):
        yield _request(rng, number)


def _request(rng: Random, number: int) -> Request:
    method, path = rng.choice(ROUTES)
    if path.startswith("/webhooks/") and rng.random() < 0.5:
        return _webhook(rng, path, number)
    if rng.random() < 0.15:
        method = rng.choice(METHODS)
    headers = {"Content-Type": rng.choice(TYPES) if rng.random() < 0.2 else TYPES[0]}
    if path.startswith("/v1/deliveries") and rng.random() < 0.8:
        headers |= OPERATOR
    if rng.random() < 0.3:
        headers |= rng.choice(HEADERS)
    address = path.replace("{}", rng.choice(IDS)) + rng.choice(QUERIES)
    return Request(method, address, headers, _body(rng) if method != "GET" else None)


def _webhook(rng: Random, path: str, number: int) -> Request:
    """Genuine, and about something odd."""
    body = {"id": rng.choice(ODD), "customer": rng.choice(ODD), "customerIds": rng.choice(ODD)}
    if path.endswith("smaregi"):
        raw, headers = from_smaregi(event_id=f"generated {number}")
        return Request("POST", path, headers, raw)
    topic = rng.choice(("customers/update", "customers/merge", "orders/create", "x" * 200, ""))
    text = json.dumps(body).encode()
    raw, headers = from_shopify(topic, text, event_id=f"generated {number}")
    return Request("POST", path, headers, raw)


def _body(rng: Random) -> bytes:
    """A registration with something wrong in it, or no JSON at all."""
    kind = rng.random()
    if kind < 0.1:
        return rng.randbytes(rng.randrange(200))
    if kind < 0.15:
        return gzip.compress(b" " * 100_000)
    if kind < 0.2:
        return b"[" * rng.randrange(30_000)
    if kind < 0.22:
        return b" " * 70_000
    body: dict[str, Any] = registration(rng.randrange(20))
    for name in rng.sample([*body], rng.randrange(1, 4)):
        body[name] = rng.choice(ODD)
    if rng.random() < 0.2:
        body |= {f"odd{n}": rng.choice(ODD) for n in range(rng.randrange(100))}
    return json.dumps(body).encode()
