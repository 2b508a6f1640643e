"""A registration's JSON: checked field by field, so that every wrong one is listed, and cleaned."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StrictBool,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from gateway.customer import Address, Profile
from gateway.http.forms import explained
from gateway.http.forms.countries import COUNTRIES
from gateway.http.forms.json_body import NotJsonError, parse_json
from gateway.http.forms.wrong_fields import FormError, shown_name, wrong_fields
from gateway.normalize import clean_email, clean_name, is_kana, parse_phone, prefecture, to_katakana
from gateway.normalize.postal import clean_postal_code
from gateway.wording import Fault, FieldError, Wrong

__all__ = [
    "Email",
    "FormError",
    "Name",
    "NotJsonError",
    "Place",
    "RegistrationForm",
    "parse_json",
    "read_form",
    "shown_name",
]

_LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST = date(1900, 1, 1)
_SURROGATE = re.compile("[\ud800-\udfff]")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
_MARKUP = re.compile(r"[<>]|https?:|www\.", re.IGNORECASE)
_WORD = "[0-9A-Za-zぁ-ゔァ-ヺー々一-鿯-]++"
_PLAIN = re.compile(f"{_WORD}(?: {_WORD})*+")
"""Most of what people write: nothing of it would be refused, or changed by cleaning."""
_PLAIN_KANA = re.compile("[ァ-ヮヲン][ァ-ヮヲンー]*")


def _text(text: str) -> str:
    if not text.isascii() and _SURROGATE.search(text):
        raise Wrong(Fault.HALF_CHARACTER)
    return text


def _name(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    cleaned = _optional(text)
    if not cleaned:
        raise Wrong(Fault.BLANK)
    return cleaned


def _free_text(text: str) -> str:
    if _MARKUP.search(text):
        raise Wrong(Fault.MARKUP)
    return text


def _optional(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _free_text(clean_name(_text(text)))


def _place(text: str) -> str:
    """Shopify refuses emoji in addresses; our own cleaning should not swallow them silently."""
    if _PLAIN.fullmatch(text):
        return text
    place = _optional(text)
    if _EMOJI.search(place):
        raise Wrong(Fault.EMOJI)
    return place


def _kana(text: str) -> str:
    """Katakana. Anything else, such as a name in kanji, is refused here, not dropped silently."""
    if _PLAIN_KANA.fullmatch(text):
        return text
    kana = to_katakana(_optional(text))
    if kana and not is_kana(kana):
        raise Wrong(Fault.KANA)
    return kana


def _email(text: str) -> str:
    return clean_email(text if text.isascii() else _text(text))


def _phone(text: str, info: ValidationInfo) -> str:
    """A number of the address's country, or an international one; abroad anything is kept.

    If the country is not given, as in a change of the phone alone, Shopify's decides later.
    """
    is_plain = _PLAIN.fullmatch(text) is not None
    text = text if is_plain else _text(text).strip()
    country = (info.context or {}).get("country", "JP")
    if country not in {"JP", ""}:
        return _optional(text)
    if text and parse_phone(text, country) is None:
        raise Wrong(Fault.PHONE)
    return text if is_plain else clean_name(text)


def _birth_date(text: str) -> str:
    if not text:
        return ""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Wrong(Fault.DATE)
    if not _EARLIEST <= day <= datetime.now(UTC).date():
        raise Wrong(Fault.DAY_OF_BIRTH)
    return text


def _country(text: str) -> str:
    if text in COUNTRIES:
        return text
    code = _text(text).strip().upper()
    if code not in COUNTRIES:
        raise Wrong(Fault.COUNTRY)
    return code


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise Wrong(Fault.LOCALE)
    return text.replace("_", "-")


def _international(phone: str, country: str) -> str:
    """In E.164, which keeps the country: an address that is only a country is not stored."""
    found = parse_phone(phone, country)
    return (found.e164 or phone) if found else phone


Model = TypeVar("Model", bound=BaseModel)
_LINE = StringConstraints(max_length=255)
Email = Annotated[str, _LINE, AfterValidator(_email)]
Name = Annotated[str, _LINE, AfterValidator(_name)]
Line = Annotated[str, _LINE, AfterValidator(_optional)]
Place = Annotated[str, _LINE, AfterValidator(_place)]
Kana = Annotated[str, _LINE, AfterValidator(_kana)]


class AddressForm(BaseModel):
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra=explained.address
    )

    country: Annotated[str, StringConstraints(max_length=8), AfterValidator(_country)] = "JP"
    postal_code: Annotated[str, StringConstraints(max_length=20), AfterValidator(_optional)] = ""
    prefecture: Line = ""
    city: Place = ""
    address1: Place = ""
    address2: Place = ""

    @field_validator("postal_code")
    @classmethod
    def _postal_code(cls, text: str, info: ValidationInfo) -> str:
        """Japan's are checked; those of other countries pass as they came."""
        if not text.strip() or info.data.get("country") != "JP":
            return text.strip()
        code = clean_postal_code(text)
        if code is None:
            raise Wrong(Fault.POSTAL_CODE)
        return code

    @field_validator("prefecture")
    @classmethod
    def _prefecture(cls, text: str, info: ValidationInfo) -> str:
        if not text or info.data.get("country") != "JP":
            return text
        found = prefecture(text)
        if found is None:
            raise Wrong(Fault.PREFECTURE)
        return found.code

    def value(self) -> Address | None:
        """None where it says nothing but the country."""
        told = (self.postal_code, self.prefecture, self.city, self.address1, self.address2)
        return Address(self.country, *told) if any(told) else None


class RegistrationForm(BaseModel):
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra=explained.registration
    )

    email: Email
    email_verified: StrictBool = False
    last_name: Name
    first_name: Name
    last_kana: Kana = ""
    first_kana: Kana = ""
    phone: Annotated[str, StringConstraints(max_length=40), AfterValidator(_phone)] = ""
    birth_date: Annotated[str, AfterValidator(_birth_date)] = ""
    gender: Literal["male", "female", "unknown"] = "unknown"
    address: AddressForm | None = None
    accepts_marketing: StrictBool = False
    locale: Annotated[str, StringConstraints(max_length=35), AfterValidator(_locale)] = "ja"

    def profile(self) -> Profile:
        form, phone = self.address, self.phone
        address = form.value() if form is not None else None
        if form is not None and address is None and form.country != "JP":
            phone = _international(phone, form.country)
        return Profile(
            email=self.email,
            last_name=self.last_name,
            first_name=self.first_name,
            last_kana=self.last_kana,
            first_kana=self.first_kana,
            phone=phone,
            birth_date=self.birth_date,
            gender=self.gender,
            address=address,
            accepts_marketing=self.accepts_marketing,
            locale=self.locale,
        )


def read_form(body: dict[str, Any], model: type[Model], country: str = "JP") -> Model:
    """The form, or a FormError that lists every wrong field.

    `country`: that of a phone without an address; '' where it is not known yet.
    """
    cleaned, unreadable = _without_nulls(body, "", model)
    address = cleaned.get("address")
    if isinstance(address, dict):
        told, more = _without_nulls(address, "address.", AddressForm)
        if told is not address:
            cleaned, unreadable = {**cleaned, "address": told}, unreadable + more
    try:
        form = model.model_validate(
            cleaned, context={"country": _stated_country(cleaned) or country}
        )
    except ValidationError as error:
        raise FormError(unreadable + wrong_fields(error)) from None
    if unreadable:
        raise FormError(unreadable)
    return form


def _stated_country(body: dict[str, Any]) -> str:
    """The country of the address; '' if there is none. A wrong one is reported at its own field."""
    address = body.get("address")
    if not isinstance(address, dict):
        return ""
    country = address.get("country", "JP")
    return country.strip().upper() if isinstance(country, str) else ""


def _without_nulls(
    body: dict[str, Any], before: str, model: type[BaseModel]
) -> tuple[dict[str, Any], list[FieldError]]:
    """Null counts as left out; a name with half a character in it is not one of our fields."""
    if None not in body.values() and "".join(body).isascii():
        return body, []
    odd = [name for name in body if not name.isascii() and _SURROGATE.search(name)]
    empty = {name for name, v in body.items() if v is None and name in model.model_fields}
    kept = {name: v for name, v in body.items() if name not in empty and name not in odd}
    return kept, [Fault.UNKNOWN_FIELD.at(before + shown_name(name)) for name in odd]
