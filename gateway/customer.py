"""What a registration and a customer are, inside the gateway: plain values, already validated."""

from dataclasses import field
from typing import Literal

from gateway import frozen

__all__ = [
    "MAIL_LANGUAGES",
    "Address",
    "Customer",
    "Gender",
    "Profile",
    "gid",
    "mail_language",
    "numeric_id",
]

Gender = Literal["male", "female", "unknown"]

MAIL_LANGUAGES = ("ja", "en")
"""Those that mails have templates in."""
_GID = "gid://shopify/Customer/"


@frozen
class Address:
    """`country` is ISO 3166-1 alpha-2; `prefecture` an ISO 3166-2 code (`JP-13`) where known."""

    country: str = "JP"
    postal_code: str = ""
    prefecture: str = ""
    city: str = ""
    address1: str = ""
    address2: str = ""


@frozen
class Profile:
    """What a person tells about themselves; an empty text means "not told".

    `phone` as the customer wrote it, cleaned; `birth_date` ISO 8601 or empty. `accepts_marketing`
    is true only where Shopify has, or is to have, the consent.
    """

    email: str
    last_name: str
    first_name: str
    last_kana: str = ""
    first_kana: str = ""
    phone: str = ""
    birth_date: str = ""
    gender: Gender = "unknown"
    address: Address | None = None
    accepts_marketing: bool = False
    locale: str = "ja"


@frozen
class Customer:
    """A customer as Shopify, the master, has it. `id` is the numeric part of the gid.

    `registration_id` is the metafield `registration.id`; `enabled` whether the person
    has an account of their own; `is_asked_for_consent` whether they were asked for their consent
    to mail and have not answered (double opt-in).
    """

    id: int
    profile: Profile
    registration_id: str = ""
    enabled: bool = False
    has_address: bool = False
    metafields: frozenset[str] = field(default_factory=frozenset)
    is_asked_for_consent: bool = False

    @property
    def member_number(self) -> str:
        """The number a till knows this customer by, unless an old card's number stays."""
        return str(self.id)


def mail_language(locale: str) -> str:
    """The language of a mail to a customer of this locale: their own, or else English."""
    language = locale[:2].lower()
    return language if language in MAIL_LANGUAGES and not locale[2:3].isalpha() else "en"


def gid(customer_id: int) -> str:
    return f"{_GID}{customer_id}"


def numeric_id(text: str) -> int:
    """The number in a gid, or the number itself; ValueError for anything else."""
    digits = text.removeprefix(_GID)
    if not (digits.isascii() and digits.isdigit() and 0 < len(digits) <= 19):
        raise ValueError("not a Shopify customer id")
    number = int(digits)
    if number >= 2**63:
        raise ValueError("not a Shopify customer id")
    return number
