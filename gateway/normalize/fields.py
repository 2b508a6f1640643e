"""A customer's address and phone, read: the one way from a profile's fields into their parts."""

from functools import lru_cache

from gateway.customer import Address as Fields
from gateway.customer import Profile
from gateway.normalize.address import parse_address
from gateway.normalize.phone import Phone, mobile_key, parse_phone
from gateway.normalize.reading import ParsedAddress

__all__ = ["country_of", "mobile_of", "parse_fields", "phone_of"]


def country_of(profile: Profile) -> str:
    """ISO 3166 alpha-2; Japan where no address was told."""
    return profile.address.country if profile.address else "JP"


def phone_of(profile: Profile) -> Phone | None:
    """The phone as people of the address's country dial it; None where there is none."""
    if not profile.phone:
        return None
    return parse_phone(profile.phone, profile.address.country if profile.address else "JP")


def mobile_of(profile: Profile) -> str:
    """`mobile_key` of the phone in its country."""
    return mobile_key(profile.phone, country_of(profile))


@lru_cache(64)
def parse_fields(address: Fields) -> ParsedAddress:
    """Remembered for a moment: a sign-up needs the address and what is to be said about it."""
    return parse_address(
        postal_code=address.postal_code,
        prefecture=address.prefecture,
        city=address.city,
        address1=address.address1,
        address2=address.address2,
        country=address.country,
    )
