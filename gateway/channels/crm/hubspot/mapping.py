"""A customer as HubSpot wants a contact."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.customer import Address, Customer
from gateway.normalize import prefecture

__all__ = [
    "GIVEN",
    "OUR_PROPERTIES",
    "OWNER",
    "address_properties",
    "contact_properties",
    "kept_back",
    "takes",
    "without",
]

OWNER = "shopify_customer_id"
"""The property that says whose a contact is."""

OUR_PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    OWNER: {"label": "Shopify customer id", "hasUniqueValue": True},
    "last_name_kana": {"label": "Last name (kana)"},
    "first_name_kana": {"label": "First name (kana)"},
    "date_of_birth": {"label": "Date of birth"},
    "accepts_marketing": {"label": "Accepts marketing mail (true or false)"},
}
"""What no account has before the gateway, or a person, makes it."""

_OUR_NAMES = {
    "lastname": "last_name",
    "firstname": "first_name",
    "last_name_kana": "last_kana",
    "first_name_kana": "first_kana",
    "date_of_birth": "birth_date",
}


GIVEN = (
    *("email", "firstname", "lastname", "phone", OWNER, "last_name_kana", "first_name_kana"),
    *("date_of_birth", "accepts_marketing", "zip", "state", "city", "address", "country"),
)
"""Every property that a contact is given."""

_ONE_OF = ("email", "firstname", "lastname")
"""One of these HubSpot wants of a contact."""


def takes(customer: Customer) -> bool:
    """Whether they have one of `_ONE_OF`."""
    profile = customer.profile
    return bool(profile.email or profile.first_name or profile.last_name)


def contact_properties(customer: Customer) -> dict[str, str]:
    profile = customer.profile
    values = {
        "email": profile.email,
        "firstname": profile.first_name,
        "lastname": profile.last_name,
        "phone": profile.phone,
        OWNER: customer.member_number,
        "last_name_kana": profile.last_kana,
        "first_name_kana": profile.first_kana,
        "date_of_birth": profile.birth_date,
        "accepts_marketing": "true" if profile.accepts_marketing else "false",
    }
    if profile.address is not None:
        values |= address_properties(profile.address)
    return {name: value for name, value in values.items() if value}


def address_properties(address: Address) -> dict[str, str]:
    state = prefecture(address.prefecture) if address.country == "JP" else None
    return {
        "zip": address.postal_code,
        "state": state.ja if state else address.prefecture,
        "city": address.city,
        "address": " ".join(filter(None, (address.address1, address.address2))),
        "country": address.country,
    }


def without(
    absent: Collection[str], properties: dict[str, str]
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The properties that the account has, and a note of each that had to be left out."""
    if not absent:
        return properties, []
    kept = {name: value for name, value in properties.items() if name not in absent}
    lost = [name for name in properties if name in absent]
    change = "left out: HubSpot has no property {}"
    return kept, [{"field": _OUR_NAMES.get(n, n), "change": change.format(n)} for n in lost]


def kept_back(
    changes: Mapping[str, str], fields: Mapping[str, str]
) -> tuple[Mapping[str, str], list[dict[str, str]]]:
    """The changes that can be sent, and a note of those that cannot. If a customer no longer has
    e-mail or name, the contact keeps what it has, since HubSpot requires one of them.
    """
    if any(fields.get(name) for name in _ONE_OF):
        return changes, []
    kept = [name for name in _ONE_OF if name in changes]
    change = "not emptied: HubSpot wants an e-mail or a name of a contact"
    sending = {name: value for name, value in changes.items() if name not in kept}
    return sending, [{"field": _OUR_NAMES.get(n, n), "change": change} for n in kept]
