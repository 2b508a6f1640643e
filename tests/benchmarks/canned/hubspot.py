"""HubSpot's contacts, with the headers by which an account tells its limit: one that never ends."""

from typing import Any
from urllib.parse import unquote

import orjson

from tests.benchmarks.canned.http import answer, unforeseen
from tests.benchmarks.canned.sightings import Sightings

__all__ = ["HubSpot"]

_LIMIT = "".join(
    f"X-HubSpot-RateLimit-{name}: {value}\r\n"
    for name, value in {
        "Max": 1_000_000,
        "Remaining": 999_999,
        "Interval-Milliseconds": 10_000,
        "Daily": 100_000_000,
        "Daily-Remaining": 99_999_999,
    }.items()
)
_MOMENT = "2026-11-01T00:00:00.000Z"


class HubSpot:
    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings
        self.contacts: dict[str, dict[str, Any]] = {}
        self._by_email: dict[str, dict[str, Any]] = {}
        self._properties: list[Any] = []

    def __call__(self, method: str, path: str, body: bytes) -> bytes:
        place = path.partition("?")[0]
        if place.startswith("/account-info/"):
            return _told(200, {"portalId": 1, "accountType": "STANDARD"})
        if place.startswith("/crm/properties/"):
            return self._property(method, body)
        if place.startswith("/crm/objects/"):
            reference = unquote(place.partition("/contacts")[2].removeprefix("/"))
            if method == "POST" and not reference:
                return self._create(orjson.loads(body)["properties"])
            if method == "PATCH" and reference:
                return self._update(reference, orjson.loads(body)["properties"])
        raise unforeseen("no contacts")

    def _property(self, method: str, body: bytes) -> bytes:
        if method == "GET":
            return _told(200, {"results": self._properties})
        made = orjson.loads(body)
        self._properties.append(made)
        return _told(201, made)

    def _create(self, told: dict[str, Any]) -> bytes:
        email = str(told["email"]).lower()
        if email in self._by_email:
            return _told(409, {"category": "CONFLICT", "message": "exists"})
        contact_id = str(len(self.contacts) + 101)
        contact = {"id": contact_id, "properties": told, "archived": False}
        contact |= {"createdAt": _MOMENT, "updatedAt": _MOMENT}
        self.contacts[contact_id] = self._by_email[email] = contact
        if number := told.get("shopify_customer_id"):
            self._sightings.channel("crm", number)
        return _told(201, contact)

    def _update(self, reference: str, told: dict[str, Any]) -> bytes:
        contact = self.contacts.get(reference) or self._by_email.get(reference.lower())
        if contact is None:
            return _told(404, {"category": "OBJECT_NOT_FOUND"})
        contact["properties"] |= told
        return _told(200, contact)


def _told(status: int, body: Any) -> bytes:
    return answer(status, orjson.dumps(body), _LIMIT)
