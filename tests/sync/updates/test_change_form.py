"""A profile change's JSON: the registration's rules, nothing required, blanks that clear."""

from typing import Any

import pytest

from gateway.customer import Address
from gateway.http.forms.profile_change import read_change
from gateway.http.forms.registration import FormError


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"email": ""}, ["email"]),
        ({"email": None, "last_name": None}, ["email", "last_name"]),
        ({"email": "taro@example.com\n"}, ["email"]),
        ({"email": "ta\u200bro@example.com"}, ["email"]),
        ({"first_name": " "}, ["first_name"]),
        ({"accepts_marketing": None}, ["accepts_marketing"]),
        ({"accepts_marketing": "yes", "nosuch": 1}, ["accepts_marketing", "nosuch"]),
        ({"phone": "abc", "email": None}, ["email", "phone"]),
        ({"address": {"city": "x", "prefecture": "nowhere"}}, ["address.prefecture"]),
        ({"address": []}, ["address"]),
    ],
)
def test_every_wrong_field_is_listed(body: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(FormError) as caught:
        read_change(body)
    assert sorted(error["field"] for error in caught.value.errors) == fields


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({}, {}),
        ({"email_verified": True}, {}),
        ({"email": "A@Example.com", "phone": ""}, {"email": "A@example.com", "phone": ""}),
        ({"gender": None, "locale": ""}, {"gender": "unknown", "locale": "ja"}),
        ({"birth_date": None, "last_kana": ""}, {"birth_date": "", "last_kana": ""}),
        ({"accepts_marketing": False}, {"accepts_marketing": False}),
        ({"address": None}, {"address": None}),
        ({"address": {}}, {"address": None}),
        ({"address": {"city": "渋谷区"}}, {"address": Address("JP", city="渋谷区")}),
    ],
)
def test_only_what_is_sent_changes(body: dict[str, Any], changes: dict[str, Any]) -> None:
    assert read_change(body).changes() == changes
