"""What the gateway fills in is legal for its column, and never evidence of who somebody is."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.customer import Profile
from gateway.matching.match_keys import MemberHasher
from gateway.normalize import Placeholder, clean_postal_code, is_placeholder, phone_key, postal_key
from gateway.normalize.name import _PLACEHOLDERS
from gateway.normalize.places import places
from gateway.store import Keys
from gateway.store.members import Member


@pytest.mark.parametrize("placeholder", Placeholder)
def test_every_placeholder_is_known_as_one(placeholder: Placeholder) -> None:
    assert is_placeholder(placeholder)


def test_no_telephone_and_no_place_has_the_placeholders() -> None:
    assert phone_key(Placeholder.PHONE) == ""
    code = clean_postal_code(Placeholder.POSTAL_CODE)
    assert code is not None
    assert places().of_postal_code(code.replace("-", "")) == ()


@given(st.sampled_from(sorted(_PLACEHOLDERS)) | st.text("〒0190-１ー－ 未入力なT〇", max_size=12))
def test_no_placeholder_has_the_digits_of_a_postal_code(text: str) -> None:
    """So a code need not be asked whether it is one."""
    assert not is_placeholder(text) or postal_key(text) == ""


@pytest.mark.parametrize("birth_date", [Placeholder.BIRTH_DATE, "1900/01/01", "19000101"])
def test_a_member_of_placeholders_has_nothing_to_be_compared_by(birth_date: str) -> None:
    values = MemberHasher(Keys("secret").derived(b"members")).values(
        {
            "customerId": "1",
            "lastName": Placeholder.TEXT,
            "firstName": Placeholder.TEXT,
            "lastKana": Placeholder.KANA,
            "firstKana": Placeholder.KANA,
            "mailAddress": Placeholder.EMAIL,
            "birthDate": birth_date,
            "mobileNumber": Placeholder.PHONE,
            "postCode": Placeholder.POSTAL_CODE,
            "address": Placeholder.TEXT,
        }
    )
    named = asdict(Member(*values))
    assert [name for name, value in named.items() if name.endswith("_key") and value] == []


def test_a_customer_who_types_the_placeholders_brings_no_evidence() -> None:
    profile = Profile(
        Placeholder.EMAIL, Placeholder.TEXT, Placeholder.TEXT, birth_date=Placeholder.BIRTH_DATE
    )
    hasher = MemberHasher(Keys("secret").derived(b"members"))
    evidence = hasher.evidence(profile)
    assert (evidence.name_key, evidence.kana_key, evidence.birth_key) == (None, None, None)
    assert hasher.email(profile.email) is None
