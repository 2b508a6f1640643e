"""Addresses and phones in the places that Shopify has for them, and what does not fit there."""

from gateway.customer import Profile
from gateway.normalize import Address, parse_fields, parse_phone, shopify_address
from gateway.shopify.results import Warnings

__all__ = [
    "PHONE_KEPT",
    "address_warnings",
    "e164",
    "has_extension",
    "placed_input",
    "unfit",
    "unfit_address",
]

PHONE_KEPT = {
    "field": "phone",
    "message": "Shopify does not take this phone number for this customer (refused, or it belongs "
    "to another customer); it is kept beside the address only",
}
_WARNINGS = {
    "municipality was merged into another": {
        "field": "address.city",
        "message": "was merged into another municipality, whose name is stored",
    },
    "prefecture contradicts the address": {
        "field": "address.prefecture",
        "message": "contradicts the address, whose own prefecture is stored",
    },
}
"""Notes of the address's reading that change what is stored."""


def placed_input(parsed: Address, country: str) -> dict[str, str]:
    """The parts of an address in `MailingAddressInput`'s fields.

    Abroad, a state stands with the city: a code that Shopify does not know would be refused.
    """
    placed = shopify_address(parsed)
    state = "" if country == "JP" else parsed.written.prefecture
    return {
        "countryCode": country,
        "provinceCode": placed.province_code or "",
        "zip": placed.zip,
        "city": ", ".join(filter(None, (placed.city, state))),
        "address1": placed.address1,
        "address2": placed.address2,
    }


def unfit(profile: Profile, *, address: bool = True) -> Warnings:
    """What is stored otherwise than it was told, as far as that is known without Shopify."""
    told = unfit_address(profile) if address else ()
    return (*told, PHONE_KEPT) if profile.phone and not e164(profile.phone) else told


def unfit_address(profile: Profile) -> Warnings:
    return address_warnings(parse_fields(profile.address)) if profile.address else ()


def address_warnings(parsed: Address) -> Warnings:
    return tuple(_WARNINGS[note] for note in parsed.notes if note in _WARNINGS)


def e164(phone: str) -> str:
    """The number as Shopify wants it; '' where it is none that can be dialled from abroad."""
    parsed = parse_phone(phone) if phone else None
    return (parsed.e164 or "") if parsed else ""


def has_extension(phone: str) -> bool:
    """Shopify's phone has no place for 内線12: such a number is kept as it was written, too."""
    parsed = parse_phone(phone) if phone else None
    return parsed is not None and parsed.extension is not None
