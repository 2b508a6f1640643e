"""Addresses and phones in the places that Shopify has for them, and what does not fit there."""

from gateway.customer import MAIL_LANGUAGES, Profile, mail_language
from gateway.normalize import ParsedAddress, country_of, parse_fields, phone_of, shopify_address
from gateway.shopify.results import Warnings
from gateway.wording import Notice

__all__ = [
    "PHONE_AS_WRITTEN",
    "PHONE_KEPT",
    "address_warnings",
    "e164",
    "has_extension",
    "placed_input",
    "unfit",
    "unfit_address",
    "unfit_phone",
    "unspoken",
]

PHONE_KEPT = Notice.PHONE_KEPT.about("phone")
PHONE_AS_WRITTEN = Notice.PHONE_AS_WRITTEN.about("phone")
_IN_ENGLISH = Notice.IN_ENGLISH.about("locale")
_WARNINGS = {
    "municipality was merged into another": Notice.MUNICIPALITY_MERGED.about("address.city"),
    "prefecture contradicts the address": Notice.PREFECTURE_CONTRADICTS.about("address.prefecture"),
}
"""Notes of the address's reading that change what is stored."""


def placed_input(parsed: ParsedAddress, country: str) -> dict[str, str]:
    """The parts of an address in `MailingAddressInput`'s fields.

    Abroad, a state stands with the city: a code that Shopify does not know would be refused.
    """
    placed = shopify_address(parsed)
    state = "" if country == "JP" else parsed.written.prefecture
    return {
        "countryCode": country,
        "provinceCode": placed.province_code or "",
        "zip": placed.zip,
        "city": ", ".join(filter(None, (placed.city, state))) if state else placed.city,
        "address1": placed.address1,
        "address2": placed.address2,
    }


def unfit(profile: Profile, *, address: bool = True) -> Warnings:
    """What is stored otherwise than it was told, as far as that is known without Shopify."""
    warnings = unfit_address(profile) if address else ()
    return (*warnings, *unfit_phone(profile), *unspoken(profile))


def unspoken(profile: Profile) -> Warnings:
    """A language that no mail is written in."""
    locale = profile.locale
    is_spoken = locale in MAIL_LANGUAGES or locale[:2].lower() == mail_language(locale)
    return () if is_spoken else (_IN_ENGLISH,)


def unfit_phone(profile: Profile) -> Warnings:
    """What Shopify's phone, which takes E.164 alone, has no place for."""
    phone = phone_of(profile)
    if not profile.phone or (phone and phone.e164):
        return ()
    return (PHONE_KEPT if country_of(profile) == "JP" else PHONE_AS_WRITTEN,)


def unfit_address(profile: Profile) -> Warnings:
    return address_warnings(parse_fields(profile.address)) if profile.address else ()


def address_warnings(parsed: ParsedAddress) -> Warnings:
    notes = parsed.notes
    return tuple(_WARNINGS[note] for note in notes if note in _WARNINGS) if notes else ()


def e164(profile: Profile) -> str:
    """The number as Shopify wants it; '' where it is none that can be dialled from abroad."""
    phone = phone_of(profile)
    return (phone.e164 or "") if phone else ""


def has_extension(profile: Profile) -> bool:
    """Shopify's phone has no place for 内線12: such a number is kept as it was written, too."""
    phone = phone_of(profile)
    return phone is not None and phone.extension is not None
