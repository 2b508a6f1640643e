"""What `normalize` says of one line, by the very cleaning and mappings of a sign-up."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from gateway.channels.crm.hubspot.mapping import address_properties, contact_properties
from gateway.channels.smaregi.mapping import member_fields
from gateway.customer import Address as Fields
from gateway.http.forms.registration import (
    Email,
    FormError,
    Name,
    NotJsonError,
    Place,
    RegistrationForm,
    parse_json,
    read_form,
    shown_name,
)
from gateway.normalize import ParsedAddress, address_key, parse_fields, parse_line, smaregi_line
from gateway.shopify.mapping import to_address
from gateway.shopify.placing import address_warnings, placed_input, unfit
from gateway.shopify.preview import answered, sign_up_input
from gateway.shopify.results import Warnings
from gateway.wording import FieldError, Language

__all__ = ["NotJsonError", "normalized"]

Row = dict[str, Any]
Notes = list[dict[str, str]]

_NOT_YET = {"customerCode", "shopify_customer_id"}
"""Numbers that Shopify gives at the sign-up."""


class _Partial(RegistrationForm):
    """A registration that may lack anything."""

    email: Email = ""
    last_name: Name = ""
    first_name: Name = ""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: Place


def normalized(line: bytes, language: Language = "en") -> Row:
    """The answer to one line. Raises NotJsonError where it is no JSON object."""
    body = parse_json(line)
    row, errors = _of_text(body) if "text" in body else _of_registration(body)
    return row | {"errors": [error.row(language) for error in errors]}


def _of_text(body: Row) -> tuple[Row, list[FieldError]]:
    """What a sign-up would refuse is read all the same, and given to no system."""
    errors: list[FieldError] = []
    try:
        text = read_form(body, _Line).text
    except FormError as error:
        errors = error.errors
        given = body["text"]
        text = _readable(given) if isinstance(given, str) else ""
    parsed = parse_line(text)
    line, cut = smaregi_line(parsed)
    row = _parts(parsed, line)
    adjustments = _of_shopify(address_warnings(parsed))
    if cut:
        adjustments.append(_noted("smaregi", "address", "cut at 85 characters"))
    if not errors:
        placed = placed_input(parsed, "JP")
        fields = to_address(placed | {"countryCodeV2": "JP"}) or Fields()
        row |= {
            "shopify": _told(placed),
            "smaregi": _told({"postCode": fields.postal_code, "address": line}),
            "crm": _told(address_properties(fields)),
        }
    return row | {"adjustments": adjustments}, errors


def _of_registration(body: Row) -> tuple[Row, list[FieldError]]:
    """A field that a sign-up would refuse is named and given to no system; others are shown."""
    form, errors = _accepted(body)
    profile = form.profile()
    customer = answered(profile)
    member, changed = member_fields(customer)
    notes = [_noted("smaregi", each["field"], each["change"]) for each in changed]
    row: Row = {
        "shopify": sign_up_input(profile),
        "smaregi": _told(member),
        "crm": _told(contact_properties(customer)),
        "adjustments": _of_shopify(unfit(profile)) + notes,
    }
    address: Fields | None = profile.address
    if address is not None:
        row["address"] = _parts(parse_fields(address), member.get("address", ""))
    return row, errors


def _accepted(body: Row) -> tuple[_Partial, list[FieldError]]:
    """What remains once every wrong field is left out, as often as that shows another one."""
    errors: list[FieldError] = []
    while True:
        try:
            return read_form(body, _Partial), errors
        except FormError as error:
            errors += error.errors
            wrong = {each.field for each in error.errors}
            body = _without(wrong, body, "")


def _without(wrong: set[str], body: Row, before: str) -> Row:
    kept = {name: v for name, v in body.items() if before + shown_name(name) not in wrong}
    address = kept.get("address")
    if isinstance(address, dict):
        kept["address"] = _without(wrong, address, "address.")
    return kept


def _of_shopify(warnings: Warnings) -> Notes:
    """The language concerns only the mail."""
    return [
        _noted("email" if each["field"] == "locale" else "shopify", each["field"], each["message"])
        for each in warnings
    ]


def _noted(system: str, field: str, change: str) -> dict[str, str]:
    return {"system": system, "field": field, "change": change}


def _parts(address: ParsedAddress, line: str) -> Row:
    return {
        "prefecture": address.prefecture.ja if address.prefecture else "",
        "city": address.city,
        "town": address.town,
        "block": address.block,
        "building": address.building,
        "postal_code": address.postal_code or "",
        "smaregi_line": line,
        "key": address_key(address),
        "understood": address.understood,
        "notes": list(address.notes),
    }


def _told(fields: Mapping[str, str]) -> Row:
    return {name: value for name, value in fields.items() if value and name not in _NOT_YET}


def _readable(text: str) -> str:
    """Halves of characters as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
