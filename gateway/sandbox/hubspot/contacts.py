"""Contacts and the properties that they may have: the rules, without HTTP."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from gateway.sandbox.hubspot.errors import conflict, invalid

# Local part, then a domain with a dot: HubSpot refuses an address without one, and one whose
# top-level domain does not exist (of which these are the ones that are never delegated).
_NO_DOMAINS = {"local", "localhost", "invalid", "test", "internal", "lan", "home", "corp"}
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}")
_STANDARD = [
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "company",
    "date_of_birth",
    "gender",
    "lifecyclestage",
    "hs_language",
    "hs_lead_status",
    "website",
    "jobtitle",
    "salutation",
    "fax",
    "hs_marketable_reason_type",
    "hs_legal_basis",
    "hubspot_owner_id",
]
_OWN = ("hs_object_id", "createdate", "lastmodifieddate", "hs_merged_object_ids")
_ADDITIONAL = "hs_additional_emails"
_WANTED = ("email", "firstname", "lastname")
"""One of these every contact has."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property that contacts may have; `unique` is HubSpot's `hasUniqueValue`."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "contactinformation"
    unique: bool = False
    options: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": self.group,
            "hasUniqueValue": self.unique,
            "options": [{"label": text, "value": text} for text in self.options],
            "archived": False,
        }

    def refuses(self, value: str) -> bool:
        if value == "":
            return False
        if self.type == "date":
            return not _is_date(value)
        if self.type == "number":
            return not re.fullmatch(r"-?\d+(\.\d+)?", value)
        return self.type == "enumeration" and value not in self.options


@dataclass(slots=True)
class Contact:
    """A contact; times are Unix seconds, property values strings."""

    id: int
    properties: dict[str, str]
    created_at: float
    updated_at: float
    archived: bool = field(default=False)


class Contacts:
    """Contacts by id; an e-mail, first or secondary, and each unique value are one contact's."""

    def __init__(self) -> None:
        self.contacts: dict[int, Contact] = {}
        known = (*_STANDARD, *_OWN, _ADDITIONAL)
        self.properties = {name: Property(name, name) for name in known}
        self._merged: dict[int, int] = {}  # the id that went -> the contact that it is now
        self._owners: dict[tuple[str, str], int] = {}
        self._next = 101

    def define(self, wanted: Property) -> None:
        """Adds a property; 409 where it exists."""
        if wanted.name in self.properties:
            raise conflict(f"A property named '{wanted.name}' already exists.")
        self.properties[wanted.name] = wanted

    def find(self, reference: str, id_property: str | None) -> Contact | None:
        """The contact with this id, or with this value of e-mail or of a unique property."""
        if id_property in {None, "", "hs_object_id"}:
            number = int(reference) if reference.isdecimal() else 0
            contact = self.contacts.get(self._merged.get(number, number))
        else:
            name = str(id_property)
            if name != "email" and not self._is_unique(name):
                raise invalid(name, "INVALID_ID_PROPERTY", f'"{name}" is not a unique property')
            owner = self._owners.get(_key(name, reference))
            contact = self.contacts.get(owner) if owner is not None else None
        return None if contact is None or contact.archived else contact

    def create(self, values: Mapping[str, str], required: frozenset[str], now: float) -> Contact:
        """A new contact. RefusedError with 400 for bad values, 409 for a taken one."""
        self.check(values)
        for name in sorted(required):
            if not values.get(name):
                raise invalid(name, "REQUIRED_PROPERTY_MISSING", f'"{name}" is required')
        _require_somebody(values)
        self._claim(values, None)
        contact = Contact(self._next, {}, now, now)
        self._next += 1
        self.contacts[contact.id] = contact
        self._write(contact, values, now)
        return contact

    def update(
        self, contact: Contact, values: Mapping[str, str], required: frozenset[str], now: float
    ) -> None:
        """Changes only what is sent; "" clears. RefusedError as `create`."""
        self.check(values)
        for name in sorted(required & values.keys()):
            if not values[name]:
                raise invalid(name, "REQUIRED_PROPERTY_MISSING", f'"{name}" is required')
        _require_somebody({**contact.properties, **values})
        self._claim(values, contact.id)
        self._write(contact, values, now)

    def merge(self, primary: Contact, other: Contact, now: float) -> None:
        """The primary's values stay and its blanks are filled; the other's addresses become
        secondary ones, and its id stands for the primary from now on.
        """
        addresses = _addresses(other.properties)
        self.archive(other, now)
        blank = {n: v for n, v in other.properties.items() if not primary.properties.get(n)}
        taken = [each for each in addresses if each not in _addresses(primary.properties)]
        self._write(primary, {**blank, _ADDITIONAL: _joined(primary.properties, taken)}, now)
        for gone in [other.id, *(old for old, new in self._merged.items() if new == other.id)]:
            self._merged[gone] = primary.id
        gone_ids = sorted(old for old, new in self._merged.items() if new == primary.id)
        primary.properties["hs_merged_object_ids"] = ";".join(map(str, gone_ids))
        del self.contacts[other.id]

    def archive(self, contact: Contact, now: float) -> None:
        for key in self._keys(contact.properties):
            if self._owners.get(key) == contact.id:
                del self._owners[key]
        contact.archived, contact.updated_at = True, now

    def check(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            known = self.properties.get(name)
            if known is None:
                text = f'Property "{name}" does not exist'
                raise invalid(name, "PROPERTY_DOESNT_EXIST", text)
            if name in _OWN:
                raise invalid(name, "READ_ONLY_VALUE", f'"{name}" is a read only property')
            if not isinstance(value, str):
                raise invalid(name, "INVALID_TYPE", f'"{name}" must be a string')
            if known.refuses(value):
                raise invalid(name, f"INVALID_{known.type.upper()}", f'"{name}" is not valid')
        for email in _addresses(values):
            if not _EMAIL.fullmatch(email) or email.rpartition(".")[2] in _NO_DOMAINS:
                raise invalid("email", "INVALID_EMAIL", f"Email address {email} is invalid")

    def _is_unique(self, name: str) -> bool:
        known = self.properties.get(name)
        return known is not None and known.unique

    def _keys(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """What these values claim for one contact alone."""
        unique = [_key(n, v) for n, v in values.items() if v and self._is_unique(n)]
        return unique + [_key("email", each) for each in _addresses(values)]

    def _claim(self, values: Mapping[str, str], contact_id: int | None) -> None:
        for key in self._keys(values):
            owner = self._owners.get(key)
            if owner is not None and owner != contact_id:
                raise conflict(f"Contact already exists. Existing ID: {owner}")

    def _write(self, contact: Contact, values: Mapping[str, str], now: float) -> None:
        for key in self._keys(contact.properties):
            self._owners.pop(key, None)
        for name, value in values.items():
            contact.properties[name] = value.strip().lower() if name == "email" else value
        first = contact.properties.get("email", "")
        others = [each for each in _addresses(contact.properties) if each != first]
        if others or contact.properties.get(_ADDITIONAL):
            contact.properties[_ADDITIONAL] = ";".join(others)
        self._owners |= dict.fromkeys(self._keys(contact.properties), contact.id)
        contact.updated_at = now


def _addresses(values: Mapping[str, str]) -> list[str]:
    """The first e-mail and the secondary ones."""
    addresses = [values.get("email", ""), *values.get(_ADDITIONAL, "").split(";")]
    return list(dict.fromkeys(each.strip().lower() for each in addresses if each.strip()))


def _joined(values: Mapping[str, str], more: list[str]) -> str:
    return ";".join(filter(None, [values.get(_ADDITIONAL, ""), *more]))


def _require_somebody(values: Mapping[str, str]) -> None:
    if not any(values.get(name) for name in _WANTED):
        raise invalid("email", "REQUIRED_FIELD", "An email, first name or last name is required")


def moment(seconds: float) -> str:
    """Unix seconds as HubSpot writes them: UTC with milliseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _key(name: str, value: str) -> tuple[str, str]:
    return name, value.strip().lower()


def _is_date(value: str) -> bool:
    if value.removeprefix("-").isdecimal():
        return int(value) % 86_400_000 == 0
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
