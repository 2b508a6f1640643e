"""A profile change's JSON: the registration's rules, nothing required, blanks that clear."""

import dataclasses
from typing import Any

import pytest

from gateway.customer import Address, Profile
from gateway.http.forms.profile_change import _BLANK, _KEPT, ChangeForm, read_change
from gateway.http.forms.registration import FormError, RegistrationForm


def test_a_field_of_the_form_is_one_of_the_profile_and_is_cleared_or_kept_by_a_blank() -> None:
    fields = set(RegistrationForm.model_fields)
    assert set(ChangeForm.model_fields) == fields
    assert {each.name for each in dataclasses.fields(Profile)} == fields - {"email_verified"}
    assert {*_BLANK, *_KEPT} == fields


def test_each_field_that_is_sent_reaches_the_profile() -> None:
    """One that the form reads and the profile is not given would be accepted, and lost."""
    sent = {
        "email": "taro@example.com",
        "last_name": "山田",
        "first_name": "太郎",
        "last_kana": "ヤマダ",
        "first_kana": "タロウ",
        "phone": "090-1234-5678",
        "birth_date": "1990-01-02",
        "gender": "male",
        "address": {"postal_code": "100-0001", "prefecture": "東京都", "city": "千代田区"},
        "accepts_marketing": True,
        "locale": "en",
    }
    profile = RegistrationForm.model_validate(sent).profile()
    bare = RegistrationForm.model_validate(
        {name: sent[name] for name in ("email", "last_name", "first_name")}
    ).profile()
    given = {each.name for each in dataclasses.fields(Profile)}
    assert given == set(sent)
    others = given - {"email", "last_name", "first_name"}
    assert [n for n in sorted(others) if getattr(profile, n) == getattr(bare, n)] == []


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
    assert sorted(error.field for error in caught.value.errors) == fields


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
