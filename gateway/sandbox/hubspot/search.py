"""`POST …/contacts/search`: filters over what the index has caught up with."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.sandbox.hubspot.contacts import Contact
from gateway.sandbox.hubspot.errors import RefusedError, error

_MOST = 200


def search(
    contacts: Iterable[Contact], body: Mapping[str, Any], indexed_until: float
) -> tuple[list[Contact], int, str | None]:
    """One page, the total, and where the next page starts. Newer records are not seen yet."""
    limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
    if not 0 < limit <= _MOST:
        raise RefusedError(error(400, "VALIDATION_ERROR", f"limit must be 1 to {_MOST}"))
    groups = body.get("filterGroups") or [{"filters": body.get("filters") or []}]
    found = [
        contact
        for contact in contacts
        if not contact.archived
        and contact.updated_at <= indexed_until
        and any(all(_holds(contact, each) for each in group["filters"]) for group in groups)
    ]
    following = str(after + limit) if after + limit < len(found) else None
    return found[after : after + limit], len(found), following


def _holds(contact: Contact, wanted: Mapping[str, Any]) -> bool:
    value = contact.properties.get(wanted.get("propertyName", ""), "")
    expected = str(wanted.get("value", ""))
    match wanted.get("operator"):
        case "EQ":
            return value.lower() == expected.lower()
        case "NEQ":
            return value.lower() != expected.lower()
        case "IN":
            return value.lower() in {str(each).lower() for each in wanted.get("values", [])}
        case "HAS_PROPERTY":
            return value != ""
        case "NOT_HAS_PROPERTY":
            return value == ""
        case "CONTAINS_TOKEN":
            return expected.strip("*").lower() in value.lower()
        case other:
            raise RefusedError(error(400, "VALIDATION_ERROR", f"unknown operator {other}"))
