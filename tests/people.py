"""Taro, the sample person of the tests, in each form in which the systems know him."""

from typing import Any

from gateway.customer import Address, Profile

__all__ = ["ADDRESS", "FORM", "MEMBER", "NAME", "PROFILE", "TARO_ID"]

TARO_ID = 7000000000001
"""His id in Shopify."""

NAME: dict[str, Any] = {"last_name": "山田", "first_name": "太郎"}

ADDRESS = Address("JP", "150-0043", "JP-13", "渋谷区", "道玄坂1-2-3", "ABCビル 5F")

PROFILE = Profile(
    **NAME,
    email="taro@example.com",
    last_kana="ヤマダ",
    first_kana="タロウ",
    phone="090-1234-5678",
    birth_date="1990-04-01",
    gender="male",
    address=ADDRESS,
    accepts_marketing=True,
    locale="ja",
)

FORM: dict[str, Any] = {
    "email": PROFILE.email,
    "email_verified": True,
    **NAME,
    "last_kana": PROFILE.last_kana,
    "first_kana": PROFILE.first_kana,
    "phone": PROFILE.phone,
    "birth_date": PROFILE.birth_date,
    "gender": PROFILE.gender,
    "address": {
        "country": "JP",
        "postal_code": "150-0043",
        "prefecture": "東京都",
        "city": "渋谷区",
        "address1": "道玄坂1-2-3",
        "address2": "ABCビル 5F",
    },
    "accepts_marketing": PROFILE.accepts_marketing,
    "locale": PROFILE.locale,
}
"""His registration, as a storefront sends it."""

MEMBER: dict[str, str] = {
    "lastName": PROFILE.last_name,
    "firstName": PROFILE.first_name,
    "lastKana": PROFILE.last_kana,
    "firstKana": PROFILE.first_kana,
    "mailAddress": PROFILE.email,
    "birthDate": "1990-04-01",
}
"""What the till has of him where he became a member in a shop."""
