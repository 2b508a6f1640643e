"""What Shopify refuses is told in our words; its own go to the log, without what was sent."""

from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents
from gateway.shopify.mapping import customer_input
from gateway.shopify.refusals import refused_by
from gateway.wording import FIELD_NAMES, Code, FieldError, Language
from tests.shopify.test_mapping import TARO


def refused(error: dict[str, Any], sent: dict[str, Any]) -> FieldError:
    result = refused_by({"userErrors": [error]}, documents.CREATE, sent)
    assert result is not None
    (told,) = result.errors
    return told


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (["input", "email"], "email"),
        (["email"], "email"),
        (["input", "phone"], "phone"),
        (["input", "firstName"], "first_name"),
        (["input", "lastName"], "last_name"),
        (["input", "locale"], "locale"),
        (["input", "addresses", "0", "zip"], "address.postal_code"),
        (["addresses", "0", "provinceCode"], "address.prefecture"),
        (["addresses", "0", "countryCode"], "address.country"),
        (["addresses", "0", "city"], "address.city"),
        (["addresses", "0", "address1"], "address.address1"),
        (["addresses", "0", "address2"], "address.address2"),
        (["addresses", "0", "phone"], "phone"),
        (["input", "emailMarketingConsent"], "accepts_marketing"),
        (["input", "metafields", "0", "value"], "last_kana"),
        (["input", "metafields", "4", "value"], "birth_date"),
        (["input", "metafields", "99", "value"], "metafields"),
        (["input", "somethingNew"], "somethingNew"),
        ([], "registration"),
        (None, "registration"),
    ],
)
def test_user_errors_bear_our_fields_names(path: list[str] | None, field: str) -> None:
    sent = customer_input(TARO, "r1")
    assert refused({"field": path, "message": "is invalid"}, sent).field == field


SENTENCES = {
    "Email has already been taken": Code.TAKEN,
    "Phone has already been taken": Code.TAKEN,
    "Value must be unique": Code.TAKEN,
    "Email is already in use": Code.TAKEN,
    "Email is invalid": Code.FORMAT,
    "Phone is invalid": Code.FORMAT,
    "Email can't be blank": Code.REQUIRED,
    "Customer must have a name, phone number or email address: it is required": Code.REQUIRED,
    "First name is too long (maximum is 255 characters)": Code.TOO_LONG,
    "Phone is too short": Code.TOO_SHORT,
    "First name cannot contain HTML tags": Code.NOT_ALLOWED,
    "Last name cannot contain a URL": Code.NOT_ALLOWED,
    "Address1 cannot contain emojis": Code.NOT_ALLOWED,
    "Locale is not included in the list": Code.UNKNOWN_VALUE,
    "The moon is in the wrong quarter": Code.REFUSED,
    "": Code.REFUSED,
}


@pytest.mark.parametrize(("words", "code"), SENTENCES.items(), ids=str)
def test_every_sentence_of_shopifys_has_a_code_and_words_of_ours(words: str, code: Code) -> None:
    told = refused({"field": ["email"], "message": words}, {})
    assert told.code is code
    for language in ("en", "ja"):
        assert words == "" or words not in told.row(language)["message"]


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("INCLUSION", Code.UNKNOWN_VALUE),
        ("INVALID", Code.FORMAT),
        ("MISSING_ARGUMENT", Code.REQUIRED),
        ("TAKEN", Code.TAKEN),
        ("SOMETHING_NEW", Code.REFUSED),
    ],
)
def test_a_code_of_shopifys_goes_before_its_words(code: str, ours: Code) -> None:
    told = refused({"field": ["emailMarketingConsent"], "message": "…", "code": code}, {})
    assert (told.field, told.code) == ("accepts_marketing", ours)


def test_an_error_within_shopify_is_nobodys_fault() -> None:
    error = {"field": None, "message": "Unexpected", "code": "INTERNAL_ERROR"}
    with pytest.raises(UpstreamError) as caught:
        refused_by({"userErrors": [error]}, documents.CONSENT, {})
    assert caught.value.error_class is ErrorClass.UNAVAILABLE
    assert caught.value.applied is None, "whether it was carried out is not known"


@pytest.mark.parametrize("field", FIELD_NAMES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_we_do_not_know_names_the_field_in_words(field: str, language: Language) -> None:
    from gateway.wording import not_taken

    assert FIELD_NAMES[field].told(language) in not_taken(field).row(language)["message"]


def test_shopifys_own_words_go_to_the_log_without_what_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent = customer_input(TARO, "r1")
    words = f"{TARO.last_name} {TARO.first_name} <{TARO.email}> lives in the wrong quarter"
    refused({"field": ["input", "lastName"], "message": words}, sent)
    assert "customerCreate: Shopify does not take last_name" in caplog.text
    assert "lives in the wrong quarter" in caplog.text
    assert not [
        value for value in (TARO.last_name, TARO.first_name, TARO.email) if value in caplog.text
    ]


def test_the_mutations_without_codes_have_none_in_shopifys_schema() -> None:
    """Then their words are all there is to go by."""
    for document in (documents.CREATE, documents.UPDATE, documents.ADDRESS_UPDATE, documents.CLEAR):
        assert "userErrors { field message }" in document.text
    assert "userErrors { code field message }" in documents.CONSENT.text
