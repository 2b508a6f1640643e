"""HubSpot's CRM API under its dated paths: contacts, their properties, the account."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.sandbox.call import Call, Description, NotJsonError, StandInAnswer
from gateway.sandbox.hubspot.contacts import Contact, Contacts, Property, moment
from gateway.sandbox.hubspot.errors import (
    RefusedError,
    conflict,
    error,
    missing_scopes,
    not_found,
    throttled,
)
from gateway.sandbox.hubspot.search import search
from gateway.sandbox.limits import Window
from gateway.sandbox.naming import named
from gateway.sandbox.options import HubspotOptions

_VERSION = re.compile(r"20\d\d-\d\d|v\d")
_SHOWN = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")


class Hubspot:
    """One portal. `contacts` holds the contacts by id, the archived ones included."""

    def __init__(self, options: HubspotOptions, clock: Callable[[], float] | None = None) -> None:
        self.options = options
        self.required = set(options.required)
        self._clock = clock or time.time
        self._store = Contacts()
        self._burst = Window(options.per_ten_seconds, 10.0)
        self._day = Window(options.per_day, 86_400.0)

    @property
    def contacts(self) -> dict[int, Contact]:
        return self._store.contacts

    @property
    def properties(self) -> dict[str, Property]:
        return self._store.properties

    @property
    def peak_per_ten_seconds(self) -> int:
        return self._burst.peak

    def add(self, **properties: str) -> Contact:
        """A contact as somebody in HubSpot makes one. RefusedError as the API."""
        return self._store.create(properties, frozenset(), self._clock())

    def add_property(self, name: str, kind: str = "string", *, unique: bool = False) -> None:
        """A property as an administrator makes one. RefusedError where it exists."""
        self._store.define(Property(name, name, kind, unique=unique))

    def merge(self, primary: int, other: int) -> None:
        """Two contacts made one, as somebody in HubSpot does it."""
        contacts = self._store.contacts
        self._store.merge(contacts[primary], contacts[other], self._clock())

    def archive(self, contact: int) -> None:
        """A contact deleted, as somebody in HubSpot does it."""
        self._store.archive(self._store.contacts[contact], self._clock())

    def reset(self) -> None:
        self._store = Contacts()
        self._burst.reset()
        self._day.reset()

    def describe(self, call: Call) -> Description:
        path = f"/{'/'.join(call.segments)}"
        tail = call.segments[3:] if call.segments[0] == "crm" else call.segments[2:]
        if call.segments[:2] == ("crm", "properties"):
            tail = ("properties", *tail)
        if tail[:1] == ("contacts",) and len(tail) == 2 and tail[1] != "search":
            tail = ("contacts", "{id}")
        read = call.method == "GET" or tail[-1:] == ("search",)
        short = f"{call.method} /{'/'.join(tail)}"
        labels = (f"{call.method} {path}", short)
        return Description(short, "read" if read else "write", labels, named(call))

    def throttled(self, call: Call, retry_after: float | None) -> StandInAnswer:
        _ = call
        answer = throttled("TEN_SECONDLY_ROLLING")
        return answer if retry_after is None else _with(answer, {"Retry-After": f"{retry_after:g}"})

    def answer(self, call: Call) -> StandInAnswer:
        if call.bearer != self.options.access_token:
            text = "Authentication credentials not found or invalid"
            return error(401, "INVALID_AUTHENTICATION", text)
        if not self._day.admit():
            return _with(throttled("DAILY"), self._limit_headers())
        if not self._burst.admit():
            return _with(throttled("TEN_SECONDLY_ROLLING"), self._limit_headers())
        try:
            answer = self._route(call)
        except RefusedError as refused:
            answer = refused.answer
        except (NotJsonError, AttributeError, KeyError, TypeError, ValueError):
            # Whatever has not the shape of the API's input.
            answer = error(400, "VALIDATION_ERROR", "Invalid input JSON")
        return _with(answer, self._limit_headers())

    def _route(self, call: Call) -> StandInAnswer:
        match call.method, call.segments:
            case method, ("crm", "objects", version, "contacts", *rest) if _VERSION.fullmatch(
                version
            ):
                return self._contacts(method, tuple(rest), call)
            case method, ("crm", "properties", version, "contacts", *rest) if _VERSION.fullmatch(
                version
            ):
                return self._properties(method, tuple(rest), call)
            case "GET", ("account-info", _, "details"):
                if not self.options.account_details:
                    return missing_scopes(["oauth"])
                portal = {"portalId": self.options.portal_id, "accountType": "STANDARD"}
                return StandInAnswer(
                    200, portal | {"timeZone": "Asia/Tokyo", "companyCurrency": "JPY"}
                )
        return not_found()

    def _contacts(self, method: str, rest: tuple[str, ...], call: Call) -> StandInAnswer:
        wanted = _wanted(call.query.get("properties"))
        match method, rest:
            case "POST", ():
                return self._create(call.json_object())
            case "POST", ("search",):
                return self._search(call.json_object())
            case (("GET" | "PATCH" | "DELETE"), (reference,)):
                contact = self._store.find(reference, call.query.get("idProperty"))
                if contact is None:
                    # Deleting what is not there is a success.
                    return StandInAnswer(204, None) if method == "DELETE" else not_found()
                if method == "GET":
                    return StandInAnswer(200, self._shown(contact, wanted))
                return self._change(method, contact, call)
        return not_found()

    def _create(self, body: Mapping[str, Any]) -> StandInAnswer:
        values = _values(body)
        contact = self._store.create(values, frozenset(self.required), self._clock())
        shown = self._shown(contact, tuple(values))
        return StandInAnswer(201, shown, applied=True, target=str(contact.id))

    def _change(self, method: str, contact: Contact, call: Call) -> StandInAnswer:
        now, target = self._clock(), str(contact.id)
        if method == "DELETE":
            self._store.archive(contact, now)
            return StandInAnswer(204, None, applied=True, target=target)
        values = _values(call.json_object())
        self._store.update(contact, values, frozenset(self.required), now)
        return StandInAnswer(200, self._shown(contact, tuple(values)), applied=True, target=target)

    def _search(self, body: Mapping[str, Any]) -> StandInAnswer:
        until = self._clock() - self.options.search_lag
        found, total, following = search(self.contacts.values(), body, until)
        wanted = tuple(body.get("properties") or ())
        answer: dict[str, Any] = {
            "total": total,
            "results": [self._shown(contact, wanted) for contact in found],
        }
        if following is not None:
            answer["paging"] = {"next": {"after": following}}
        return StandInAnswer(200, answer)

    def _properties(self, method: str, rest: tuple[str, ...], call: Call) -> StandInAnswer:
        verb = "read" if method == "GET" else "write"
        if not self.options.property_scope:
            return missing_scopes([f"crm.schemas.contacts.{verb}"])
        match method, rest:
            case "GET", ():
                return StandInAnswer(
                    200, {"results": [each.shown() for each in self.properties.values()]}
                )
            case "GET", (name,):
                known = self.properties.get(name)
                return not_found() if known is None else StandInAnswer(200, known.shown())
            case "POST", ():
                return self._define(call.json_object())
        return not_found()

    def _define(self, body: Mapping[str, Any]) -> StandInAnswer:
        for name in ("name", "label", "type", "fieldType", "groupName"):
            if not isinstance(body.get(name), str) or not body[name]:
                return error(400, "VALIDATION_ERROR", f"{name} is required")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", body["name"]):
            return error(400, "VALIDATION_ERROR", "name must be lower case letters, digits and _")
        if body["name"] in self.properties:
            raise conflict(f"A property named '{body['name']}' already exists.")
        made = Property(
            body["name"],
            body["label"],
            body["type"],
            body["fieldType"],
            body["groupName"],
            bool(body.get("hasUniqueValue")),
            tuple(option["value"] for option in body.get("options") or ()),
        )
        self._store.define(made)
        return StandInAnswer(201, made.shown(), applied=True, target=made.name)

    def _shown(self, contact: Contact, wanted: tuple[str, ...]) -> dict[str, Any]:
        created, updated = moment(contact.created_at), moment(contact.updated_at)
        known = contact.properties | {
            "hs_object_id": str(contact.id),
            "createdate": created,
            "lastmodifieddate": updated,
        }
        names = dict.fromkeys((*_SHOWN, *wanted))
        return {
            "id": str(contact.id),
            "properties": {name: known.get(name) or None for name in names},
            "createdAt": created,
            "updatedAt": updated,
            "archived": contact.archived,
        }

    def _limit_headers(self) -> dict[str, str]:
        limit = self.options.per_ten_seconds
        if limit is None:
            return {}
        return {
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(self._burst.remaining()),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": str(self.options.per_day or 650_000),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self._day.remaining()),
        }


def _wanted(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").split(",") if part)


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    values = body.get("properties")
    if not isinstance(values, dict):
        raise NotJsonError
    return values


def _with(answer: StandInAnswer, headers: Mapping[str, str]) -> StandInAnswer:
    return replace(answer, headers={**answer.headers, **headers})
