"""What Shopify refuses in a customer's fields, and in what words.

The texts are those recorded from the API. There is no code beside them in `customerCreate` and
`customerUpdate`: a client that needs one has to read the text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\".]+(\.[^\s@<>()\[\],;:\".]+)+")
_HTML = re.compile(r"<[^>]*>")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\ufe0f]")
_JP_PROVINCE = re.compile(r"JP-(0[1-9]|[1-3]\d|4[0-7])")
_PHONE_SPACE = re.compile(r"[\s().-]")
_PHONE = re.compile(r"\+[1-9]\d{7,14}")
_JP_PHONE = re.compile(r"\+81[1-9]\d{8,9}")

_LONGEST = {"firstName": 255, "lastName": 255, "note": 5000}
_LABELS = {"firstName": "First name", "lastName": "Last name", "note": "Note"}
_MOST_TAGS, _LONGEST_TAG, _LONGEST_LINE = 250, 255, 255
_ADDRESS_TEXTS = ("address1", "address2", "city", "company", "firstName", "lastName", "zip")
_CUSTOMER_TYPES = frozenset(
    [
        "boolean",
        "color",
        "date",
        "date_time",
        "id",
        "json",
        "multi_line_text_field",
        "number_decimal",
        "number_integer",
        "single_line_text_field",
        "url",
    ]
)
_LINE_BREAK = re.compile(r"[\r\n]")


@dataclass(frozen=True, slots=True)
class UserError:
    """One entry of `userErrors`; mutations without coded errors do not show the code."""

    field: tuple[str, ...] | None
    message: str
    code: str | None = None
    element_index: int | None = None


def email_key(email: str) -> str:
    """What makes two e-mail addresses the same: neither case nor spaces count."""
    return "".join(email.split()).lower()


def phone_form(phone: str) -> str | None:
    """A phone number in E.164, or None for one that Shopify refuses."""
    bare = _PHONE_SPACE.sub("", phone)
    if bare.startswith("+81"):
        return bare if _JP_PHONE.fullmatch(bare) else None
    return bare if _PHONE.fullmatch(bare) else None


def email_refused(email: str, carrier_addresses: bool) -> bool:
    """Whether an address is "invalid"; the old carriers' forms only where they are not taken."""
    bare = "".join(email.split())
    if not _EMAIL.fullmatch(bare) or len(bare) > 255:
        return True
    local = bare.rpartition("@")[0]
    return not carrier_addresses and (".." in local or local[0] == "." or local[-1] == ".")


def customer_errors(values: Mapping[str, Any], carrier_addresses: bool) -> Iterator[UserError]:
    """What is wrong with a customer's own fields, uniqueness aside."""
    for name, longest in _LONGEST.items():
        if len(values.get(name) or "") > longest:
            text = f"{_LABELS[name]} is too long (maximum is {longest} characters)"
            yield UserError((name,), text, "TOO_LONG")
    if values.get("email") and email_refused(values["email"], carrier_addresses):
        yield UserError(("email",), "Email is invalid", "INVALID")
    if values.get("phone") and phone_form(values["phone"]) is None:
        yield UserError(("phone",), "Phone is invalid", "INVALID")
    yield from tag_errors(values.get("tags") or ())
    for index, address in enumerate(values.get("addresses") or ()):
        yield from address_errors(address, ("addresses", str(index)))
    yield from consent_errors(values.get("emailMarketingConsent"))


def tag_errors(tags: Sequence[str]) -> Iterator[UserError]:
    if len(tags) > _MOST_TAGS:
        yield UserError(("tags",), f"Tags cannot be more than {_MOST_TAGS}", "TOO_LONG")
    if any(len(tag) > _LONGEST_TAG for tag in tags):
        text = f"Tags is too long (maximum is {_LONGEST_TAG} characters)"
        yield UserError(("tags",), text, "TOO_LONG")


def address_errors(address: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[UserError]:
    for name in _ADDRESS_TEXTS:
        text = address.get(name) or ""
        label = name[0].upper() + name[1:]
        if len(text) > _LONGEST_LINE:
            message = f"{label} is too long (maximum is {_LONGEST_LINE} characters)"
            yield UserError((*path, name), message, "TOO_LONG")
        for pattern, what in ((_HTML, "HTML tags"), (_URL, "URL"), (_EMOJI, "emojis")):
            if pattern.search(text):
                yield UserError((*path, name), f"{label} cannot contain {what}", "INVALID")
    if not province_fits(address):
        yield UserError((*path, "provinceCode"), "Province is not valid", "INVALID")


def province_fits(address: Mapping[str, Any]) -> bool:
    code = address.get("provinceCode")
    japan = address.get("countryCode") == "JP" or address.get("country") == "Japan"
    return not (japan and code) or bool(_JP_PROVINCE.fullmatch(str(code)))


def consent_errors(consent: Mapping[str, Any] | None) -> Iterator[UserError]:
    """SUBSCRIBED and PENDING have to say by what kind of opt-in."""
    if consent is None:
        return
    path = ("emailMarketingConsent",)
    if consent["marketingState"] in {"NOT_SUBSCRIBED", "REDACTED", "INVALID"}:
        text = f"Cannot specify {consent['marketingState']} as a marketing state input"
        yield UserError((*path, "marketingState"), text, "INVALID")
    elif consent["marketingState"] != "UNSUBSCRIBED" and not consent.get("marketingOptInLevel"):
        text = "Marketing opt-in level must be specified"
        yield UserError((*path, "marketingOptInLevel"), text, "MISSING_ARGUMENT")


def metafield_error(kind: str, value: str) -> tuple[str, str] | None:
    """(message, code) of what is wrong with a metafield's type or value; None when it fits."""
    if kind not in _CUSTOMER_TYPES:
        return f"Type must be one of the following: {', '.join(sorted(_CUSTOMER_TYPES))}.", (
            "INCLUSION"
        )
    if value == "":
        return "Value can't be blank.", "BLANK"
    if kind == "date" and not _is_date(value):
        return "Value must be in YYYY-MM-DD format.", "INVALID_VALUE"
    if kind in {"id", "single_line_text_field"} and _LINE_BREAK.search(value):
        return "Value must be a single line text string.", "INVALID_VALUE"
    if kind == "id" and len(value) > 255:
        return "Value has a maximum length of 255.", "INVALID_VALUE"
    if kind == "number_integer" and not re.fullmatch(r"-?\d{1,16}", value):
        return "Value must be an integer.", "INVALID_VALUE"
    if kind == "boolean" and value not in {"true", "false"}:
        return "Value must be true or false.", "INVALID_VALUE"
    return None


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
