"""Between our values and Shopify's."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.customer import Address, Customer, Profile, gid, numeric_id
from gateway.shopify.documents import FIND
from gateway.shopify.mapping import (
    KEPT_PHONE,
    METAFIELDS,
    WRITTEN_PHONE,
    customer_input,
    fill_input,
    replace_input,
    to_customer,
)
from gateway.shopify.placing import unfit
from tests.people import ADDRESS, PROFILE
from tests.shopify.nodes import ID, node

TARO = PROFILE
BESIDE = (KEPT_PHONE, WRITTEN_PHONE, ("registration", "id", "id"))
"""What no field of a profile is."""


def stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """What Shopify answers of a customer that was made by this input."""
    fields = {(f["namespace"], f["key"]): f["value"] for f in body["metafields"]}
    addresses = body.get("addresses") or []
    address = addresses[0] if addresses else None
    consent = body.get("emailMarketingConsent") or {}
    return node(
        firstName=body["firstName"],
        lastName=body["lastName"],
        locale=body["locale"],
        defaultEmailAddress={
            "emailAddress": body["email"],
            "marketingState": consent.get("marketingState", "NOT_SUBSCRIBED"),
        },
        defaultPhoneNumber={"phoneNumber": body["phone"]} if "phone" in body else None,
        defaultAddress=address and {**address, "countryCodeV2": address["countryCode"]},
        metafields={key: value for (space, key), value in fields.items() if space != "facts"},
        birth_date=fields.get(("facts", "birth_date")),
    )


words = st.text("山太郎ヤマダ abc-1", min_size=1, max_size=8).map(str.strip).filter(bool)
"""None is a place: 山田, as city and as town, is read as the one municipality that it names."""
maybe = st.just("") | words
TOLD: dict[str, st.SearchStrategy[Any]] = {
    "email": st.just("taro@example.com"),
    "last_name": words,
    "first_name": words,
    "last_kana": maybe,
    "first_kana": maybe,
    "phone": st.sampled_from(["", "090-1234-5678", "03-1234-5678", "+1 212 555 2368", "12"]),
    "birth_date": st.sampled_from(["", "1990-04-01", "2004-02-29"]),
    "gender": st.sampled_from(["male", "female", "unknown"]),
    "address": st.none() | st.builds(Address, address1=words, address2=maybe, city=maybe),
    "accepts_marketing": st.booleans(),
    "locale": st.sampled_from(["ja", "en"]),
}
profiles = st.builds(Profile, **TOLD)


def test_the_profiles_of_these_tests_tell_every_field() -> None:
    """One that they leave blank would be lost on its way to Shopify, and no test would see it."""
    every = {field.name: field.default for field in fields(Profile)}
    assert TOLD.keys() == every.keys()
    taro = {name for name, default in every.items() if getattr(TARO, name) != default}
    assert taro == every.keys() - {"locale"}, "the sample person of all tests has them as well"


def test_shopify_is_asked_for_as_many_metafields_as_a_customer_may_have() -> None:
    ours = {place for place in (*METAFIELDS.values(), *BESIDE) if place[0] == "registration"}
    asked = re.search(r'metafields\(first: (\d+), namespace: "registration"\)', FIND.text)
    assert asked
    assert len(ours) <= int(asked[1])


@given(profiles, st.booleans())
def test_what_a_person_told_comes_back_from_shopify(profile: Profile, with_phone: bool) -> None:
    body = customer_input(profile, "r1", with_phone=with_phone)
    customer = to_customer(stored(body))
    assert customer.registration_id == "r1"
    assert bool(customer.profile.phone) is bool(profile.phone), "no phone number is lost"
    assert replace(customer.profile, phone="") == replace(profile, phone="")


@given(profiles)
def test_nothing_empty_is_sent(profile: Profile) -> None:
    body = customer_input(profile, "r1")
    assert "" not in [value for value in body.values() if isinstance(value, str)]
    assert all(field["value"] for field in body["metafields"])
    assert all(value for address in body.get("addresses", []) for value in address.values())


def test_phones_are_sent_as_e164_and_consent_with_its_level() -> None:
    body = customer_input(TARO, "r1")
    assert body["phone"] == "+819012345678"
    assert body["emailMarketingConsent"] == {
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN",
    }
    assert body["addresses"][0]["provinceCode"] == "JP-13"
    assert "emailMarketingConsent" not in customer_input(
        replace(TARO, accepts_marketing=False), "r1"
    )


def test_without_its_phone_a_customer_keeps_the_number_elsewhere() -> None:
    body = customer_input(TARO, "r1", with_phone=False)
    assert "phone" not in body
    assert {f["key"]: f["value"] for f in body["metafields"]}["phone"] == "090-1234-5678"
    assert body["addresses"][0]["phone"] == "+819012345678"


GUEST = to_customer(node(firstName=None, lastName=None))


def test_adopting_an_empty_guest_fills_everything() -> None:
    body = fill_input(GUEST, TARO, "r1")
    assert body["id"] == gid(ID)
    assert {"firstName", "lastName", "phone", "addresses"} <= set(body)
    keys = {f["key"] for f in body["metafields"]}
    assert {"id", "last_kana", "first_kana", "gender", "birth_date"} <= keys


@pytest.mark.parametrize(
    ("had", "kept"),
    [
        ({"firstName": "花子", "lastName": "佐藤"}, {"firstName", "lastName"}),
        ({"defaultPhoneNumber": {"phoneNumber": "+81312345678"}}, {"phone"}),
        ({"defaultAddress": {"countryCodeV2": "JP", "city": "大阪市"}}, {"addresses"}),
        ({"metafields": {"gender": "female"}}, {"gender"}),
        ({"metafields": {"last_kana": "サトウ"}}, {"last_kana"}),
        ({"birth_date": "1985-12-24"}, {"birth_date"}),
    ],
)
def test_adopting_overwrites_nothing(had: dict[str, Any], kept: set[str]) -> None:
    existing = to_customer(node(**{"firstName": None, "lastName": None} | had))
    body = fill_input(existing, TARO, "r1")
    sent = set(body) | {field["key"] for field in body["metafields"]}
    assert not kept & sent
    assert "id" in {field["key"] for field in body["metafields"]}


@pytest.mark.parametrize("had", [{"firstName": "花子"}, {"lastName": "佐藤"}])
def test_half_a_name_of_a_guest_stays_as_it_is(had: dict[str, Any]) -> None:
    existing = to_customer(node(**{"firstName": None, "lastName": None} | had))
    body = fill_input(existing, TARO, "r1")
    assert not set(had) & set(body)


def test_adopting_never_touches_email_consent_tags_or_note() -> None:
    body = fill_input(GUEST, TARO, "r1")
    assert not {"email", "emailMarketingConsent", "tags", "note", "locale"} & set(body)


def test_the_newest_data_replaces_our_own_of_whom_nobody_was_told() -> None:
    existing = to_customer(node(metafields={"id": "r0", "gender": "female"}))
    body = replace_input(existing, TARO, "r1")
    assert body["id"] == gid(ID)
    assert body["firstName"] == "太郎"
    assert {f["key"]: f["value"] for f in body["metafields"]}["id"] == "r1"
    assert "emailMarketingConsent" not in body, "an update refuses it"


def test_a_bare_customer_is_read_without_a_fuss() -> None:
    customer = to_customer(
        node(firstName=None, lastName=None, locale=None, defaultEmailAddress=None)
    )
    assert customer == Customer(id=ID, profile=Profile("", "", ""))


@pytest.mark.parametrize(("state", "enabled"), [("ENABLED", True), ("DISABLED", False)])
def test_only_enabled_customers_have_an_account(state: str, enabled: bool) -> None:
    assert to_customer(node(state=state)).enabled is enabled


@pytest.mark.parametrize("text", ["", "abc", "-1", "7" * 20, "１２３", "gid://shopify/Order/1"])
def test_what_is_no_customer_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Shopify customer id"):
        numeric_id(text)


@given(st.integers(1, 10**18))
def test_a_gid_and_its_number_are_the_same(number: int) -> None:
    assert numeric_id(gid(number)) == numeric_id(str(number)) == number


def test_an_extension_comes_back_as_long_as_the_number_is_the_same() -> None:
    profile = replace(TARO, phone="03-1234-5678 内線12")
    body = customer_input(profile, "r1")
    assert body["phone"] == "+81312345678"
    made = stored(body)
    assert to_customer(made).profile.phone == "03-1234-5678 内線12"
    changed = made | {"defaultPhoneNumber": {"phoneNumber": "+81398765432"}}
    assert to_customer(changed).profile.phone == "+81398765432"


@pytest.mark.parametrize(
    ("city", "state", "stored_city"),
    [
        ("San Francisco", "California", "San Francisco, California"),
        ("San Francisco", "", "San Francisco"),
        ("", "CA", "CA"),
    ],
)
def test_a_state_abroad_is_not_lost(city: str, state: str, stored_city: str) -> None:
    profile = replace(TARO, address=Address("US", "94103", state, city, "1 Market St"))
    (address,) = customer_input(profile, "r1")["addresses"]
    assert address["city"] == stored_city
    assert "provinceCode" not in address


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"phone": "090-0000-0000"}, ["phone"]),
        ({"address": Address(address1="埼玉県浦和市岸町7-10-23")}, ["address.city"]),
        (
            {"address": replace(ADDRESS, prefecture="JP-27")},
            ["address.prefecture"],
        ),
        ({"address": Address("US", "94103", "CA", "San Francisco", "1 Market St")}, ["phone"]),
        ({"address": None, "phone": ""}, []),
    ],
)
def test_what_is_stored_otherwise_is_warned_of(changes: dict[str, Any], fields: list[str]) -> None:
    warnings = unfit(replace(TARO, **changes))
    assert [warning["field"] for warning in warnings] == fields
    assert not [text for text in ("浦和", "0000-0000", "渋谷") if text in str(warnings)]


@pytest.mark.parametrize(
    ("written", "sent", "fields"),
    [("06 12 34 56 78", "+33612345678", []), ("090-1234-5678", "", ["phone"])],
)
def test_a_phone_abroad_is_a_number_of_the_addresss_country_or_kept_as_written(
    written: str, sent: str, fields: list[str]
) -> None:
    """Shopify's own field takes E.164 alone; what cannot be dialled is in a metafield."""
    address = Address("FR", "75001", "", "Paris", "1 Rue de Rivoli")
    profile = replace(TARO, phone=written, address=address)
    body = customer_input(profile, "r1")
    kept = [each["value"] for each in body["metafields"] if each["key"] == "phone"]
    assert body.get("phone", "") == body["addresses"][0].get("phone", "") == sent
    assert kept == ([] if sent else [written])
    warnings = unfit(profile)
    assert [warning["field"] for warning in warnings] == fields
    assert written not in str(warnings)
