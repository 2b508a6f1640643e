"""A customer in the registration's fields: what a form shows, and what it may send back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from gateway.customer import Address, Customer, Profile
from gateway.normalize import prefecture

__all__ = ["customer_fields", "differing", "profile_fields"]

_BLANK = (None, "")


def profile_fields(profile: Profile) -> dict[str, Any]:
    """Every field but `email_verified`, which is no part of a profile; null for what is not told.

    A prefecture of Japan bears its Japanese name.
    """
    told = {field.name: getattr(profile, field.name) or None for field in fields(profile)}
    told["accepts_marketing"] = profile.accepts_marketing
    if profile.address is not None:
        told["address"] = _address(profile.address)
    return told


def customer_fields(customer: Customer) -> dict[str, Any]:
    """As Shopify has them. `accepts_marketing` is null while they have not answered the question
    for their consent: neither yes nor no would be true.
    """
    told = profile_fields(customer.profile)
    return told | ({"accepts_marketing": None} if customer.is_asked_for_consent else {})


def differing(given: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody sends otherwise than it is shown to them: that alone is a change."""
    return {
        name: value
        for name, value in given.items()
        if name not in shown or not _is_same(value, shown[name])
    }


def _is_same(given: Any, shown: Any) -> bool:
    if isinstance(given, dict) and isinstance(shown, dict):
        return _stated(given) == _stated(shown)
    if given in _BLANK:
        return shown is None
    return type(given) is type(shown) and given == shown


def _stated(address: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in address.items() if value not in _BLANK}


def _address(address: Address) -> dict[str, str | None]:
    told: dict[str, str | None] = {name: text or None for name, text in asdict(address).items()}
    found = prefecture(address.prefecture) if address.country == "JP" else None
    return told | ({"prefecture": found.ja} if found else {})
