"""Japanese customer data in the form that each system wants: pure functions, offline.

Nothing is loaded before it is needed: the libraries and the places of Japan come at first use, or
with `load_places`, which a server calls in a thread before it serves.
"""

from gateway.normalize.address import ParsedAddress, parse_address, parse_line
from gateway.normalize.dates import parse_birth_date
from gateway.normalize.digest import place_digest
from gateway.normalize.email import clean_email, email_key, smtp_address
from gateway.normalize.fields import country_of, mobile_of, parse_fields, phone_of
from gateway.normalize.kana import is_kana, kana_key, smaregi_kana, to_katakana
from gateway.normalize.mailbox import Mailbox, parse_mailbox
from gateway.normalize.name import clean_name, is_placeholder, name_key
from gateway.normalize.phone import Phone, is_mobile, mobile_key, parse_phone, phone_key
from gateway.normalize.placeholders import Placeholder
from gateway.normalize.places import load_places
from gateway.normalize.postal import clean_postal_code, places_of_postal_code, postal_key
from gateway.normalize.prefecture import PREFECTURES, Prefecture, prefecture
from gateway.normalize.targets import ShopifyAddress, address_key, shopify_address, smaregi_line

__all__ = [
    "PREFECTURES",
    "Mailbox",
    "ParsedAddress",
    "Phone",
    "Placeholder",
    "Prefecture",
    "ShopifyAddress",
    "address_key",
    "clean_email",
    "clean_name",
    "clean_postal_code",
    "country_of",
    "email_key",
    "is_kana",
    "is_mobile",
    "is_placeholder",
    "kana_key",
    "load_places",
    "mobile_key",
    "mobile_of",
    "name_key",
    "parse_address",
    "parse_birth_date",
    "parse_fields",
    "parse_line",
    "parse_mailbox",
    "parse_phone",
    "phone_key",
    "phone_of",
    "place_digest",
    "places_of_postal_code",
    "postal_key",
    "prefecture",
    "shopify_address",
    "smaregi_kana",
    "smaregi_line",
    "smtp_address",
    "to_katakana",
]
