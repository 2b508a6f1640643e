"""What a sign-up would become in Shopify, without asking it."""

from dataclasses import replace
from typing import Any

from gateway.customer import Customer, Profile
from gateway.shopify.mapping import customer_input, to_address
from gateway.shopify.placing import e164, has_extension

__all__ = ["answered", "sign_up_input"]

_OURS = ("registration", "id")


def sign_up_input(profile: Profile) -> dict[str, Any]:
    """`CustomerInput` of a sign-up but for the registration's id; nothing empty."""
    body = customer_input(profile, "-")
    kept = [f for f in body.pop("metafields") if (f["namespace"], f["key"]) != _OURS]
    stated = {name: value for name, value in body.items() if value}
    return stated | ({"metafields": kept} if kept else {})


def answered(profile: Profile) -> Customer:
    """The customer as channels get it right after a sign-up with this profile; the id is 0."""
    phone = profile.phone if has_extension(profile) else e164(profile)
    addresses = customer_input(profile, "-").get("addresses")
    address = None
    if addresses:
        address = to_address(addresses[0] | {"countryCodeV2": addresses[0]["countryCode"]})
    return Customer(0, replace(profile, phone=phone or profile.phone, address=address))
