"""A customer's address, read: the one way from the fields of a profile into its parts."""

from functools import lru_cache

from gateway.customer import Address as Fields
from gateway.normalize.address import parse_address
from gateway.normalize.reading import Address

__all__ = ["parse_fields"]


@lru_cache(64)
def parse_fields(address: Fields) -> Address:
    """Remembered for a moment: a sign-up needs the address and what is to be said about it."""
    return parse_address(
        postal_code=address.postal_code,
        prefecture=address.prefecture,
        city=address.city,
        address1=address.address1,
        address2=address.address2,
        country=address.country,
    )
