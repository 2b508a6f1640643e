"""A customer as HubSpot wants a contact: texts only, nothing blank."""

from collections.abc import Mapping
from typing import Any

from gateway.customer import Customer
from gateway.normalize import prefecture

__all__ = ["OUR_PROPERTIES", "contact_properties"]

OUR_PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "shopify_customer_id": {"label": "Shopify customer id", "hasUniqueValue": True},
    "last_name_kana": {"label": "Last name (kana)"},
    "first_name_kana": {"label": "First name (kana)"},
    "date_of_birth": {"label": "Date of birth"},
    "accepts_marketing": {"label": "Accepts marketing mail (true or false)"},
}
"""What HubSpot does not have by itself; made in the account when it is missing."""


def contact_properties(customer: Customer) -> dict[str, str]:
    profile = customer.profile
    address = profile.address
    values = {
        "email": profile.email,
        "firstname": profile.first_name,
        "lastname": profile.last_name,
        "phone": profile.phone,
        "shopify_customer_id": customer.member_number,
        "last_name_kana": profile.last_kana,
        "first_name_kana": profile.first_kana,
        "date_of_birth": profile.birth_date,
        "accepts_marketing": "true" if profile.accepts_marketing else "false",
    }
    if address is not None:
        state = prefecture(address.prefecture) if address.country == "JP" else None
        values |= {
            "zip": address.postal_code,
            "state": state.ja if state else address.prefecture,
            "city": address.city,
            "address": " ".join(filter(None, (address.address1, address.address2))),
            "country": address.country,
        }
    return {name: value for name, value in values.items() if value}
