"""What the OpenAPI document says of the forms' fields beside their types: words, and what a check
in Python holds that no type says. A test sends what the document allows and what it forbids.
"""

from typing import Any

__all__ = ["CHANGE_EXAMPLE", "EXAMPLE", "address", "change", "registration"]

Schema = dict[str, Any]

EXAMPLE: dict[str, Any] = {
    "email": "yamada@example.com",
    "email_verified": True,
    "last_name": "山田",
    "first_name": "太郎",
    "last_kana": "ヤマダ",
    "first_kana": "タロウ",
    "phone": "090-1234-5678",
    "birth_date": "1990-04-01",
    "gender": "male",
    "address": {
        "country": "JP",
        "postal_code": "150-0043",
        "prefecture": "東京都",
        "city": "渋谷区",
        "address1": "道玄坂1-2-3",
        "address2": "ABCビル 5F",
    },
    "accepts_marketing": True,
    "locale": "ja",
}
CHANGE_EXAMPLE: dict[str, Any] = {"last_name": "佐藤", "phone": None}

_ADDRESS = {
    "country": "ISO 3166-1 alpha-2.",
    "postal_code": "Of Japan it is checked: `150-0043`, with or without the hyphen.",
    "prefecture": "Of Japan: `東京都`, `Tokyo` or `JP-13`. Elsewhere as it is.",
    "city": "City, ward or town.",
    "address1": "Town, block and number.",
    "address2": "Building and room.",
}
_FIELDS = {
    "email": "Where the welcome mail goes.",
    "email_verified": "True only if you have proven that the address is the customer's.",
    "last_name": "As it is written; no URL and no markup.",
    "first_name": "As it is written; no URL and no markup.",
    "last_kana": "Hiragana and half-width kana become full-width katakana.",
    "first_kana": "Hiragana and half-width kana become full-width katakana.",
    "phone": "As the customer wrote it: of the address's country, or with its country code.",
    "birth_date": "`1990-04-01`; from 1900-01-01 to today.",
    "gender": "`unknown` if they did not say.",
    "address": "The customer's address.",
    "accepts_marketing": "Whether the customer ticked the consent.",
    "locale": "The language of the mail: `ja` or `en`.",
}
_CHECKED: dict[str, Schema] = {
    "email": {"format": "email", "minLength": 3},
    "last_name": {"minLength": 1},
    "first_name": {"minLength": 1},
    "birth_date": {"pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"},
    "locale": {"pattern": r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$"},
}
_NEVER_EMPTY = {"email", "email_verified", "last_name", "first_name", "accepts_marketing"}
"""In a change; null is no value for these."""


def address(schema: Schema) -> None:
    schema["title"] = "Address"
    _say(schema, _ADDRESS)
    for name in schema["properties"]:
        _or_null(schema, name)


def registration(schema: Schema) -> None:
    """Null counts as left out, where that may be."""
    schema.update(title="Sign-up", description="A person who signs up.", examples=[EXAMPLE])
    _say(schema, _FIELDS)
    for name in schema["properties"].keys() - set(schema["required"]):
        _or_null(schema, name)


def change(schema: Schema) -> None:
    """What is not sent stays, so nothing has a default; null or an empty text clears."""
    text = "Only what is sent changes. Null or an empty text clears an optional field."
    schema.update(title="Profile change", description=text, examples=[CHANGE_EXAMPLE])
    _say(schema, _FIELDS)
    for name in schema["properties"].keys() - _NEVER_EMPTY:
        _or_null(schema, name, or_empty=True)
    for each in schema["properties"].values():
        each.pop("default", None)


def _say(schema: Schema, words: dict[str, str]) -> None:
    for name, each in schema["properties"].items():
        each.pop("title", None)
        if each.get("default") == "":
            del each["default"]  # that nothing is told, as when it is left out
        each.update({"description": words[name], **_CHECKED.get(name, {})})


def _or_null(schema: Schema, name: str, *, or_empty: bool = False) -> None:
    each = schema["properties"][name]
    if "anyOf" in each:  # an object, which may be null already
        each["anyOf"] += [{"type": "string", "maxLength": 0}] if or_empty else []
        return
    each["type"] = [each["type"], "null"]
    if "enum" in each:
        each["enum"] += ["", None] if or_empty else [None]
    if or_empty and "pattern" in each:
        each["pattern"] = f"^$|{each['pattern']}"
