"""A customer in the registration's fields: what a form shows, and what it may send back."""

from dataclasses import asdict, fields
from typing import Any

from gateway.customer import Address, Profile
from gateway.normalize import prefecture

__all__ = ["profile_fields"]


def profile_fields(profile: Profile) -> dict[str, Any]:
    """Every field but `email_verified`, which is no part of a profile; null for what is not told.

    A prefecture of Japan bears its Japanese name.
    """
    told = {field.name: getattr(profile, field.name) or None for field in fields(profile)}
    told["accepts_marketing"] = profile.accepts_marketing
    if profile.address is not None:
        told["address"] = _address(profile.address)
    return told


def _address(address: Address) -> dict[str, str | None]:
    told: dict[str, str | None] = {name: text or None for name, text in asdict(address).items()}
    found = prefecture(address.prefecture) if address.country == "JP" else None
    return told | ({"prefecture": found.ja} if found else {})
