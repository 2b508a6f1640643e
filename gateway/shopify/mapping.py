"""Between our values and Shopify's: profiles, inputs and customers."""

from collections.abc import Mapping
from typing import Any, cast

from gateway.customer import Address, Customer, Gender, Profile, gid, numeric_id
from gateway.normalize import Phone, parse_fields, parse_phone, phone_of
from gateway.shopify.placing import e164, placed_input

__all__ = [
    "KEPT_PHONE",
    "METAFIELDS",
    "WRITTEN_PHONE",
    "address_input",
    "customer_input",
    "fill_input",
    "metafield",
    "to_address",
    "to_customer",
]

METAFIELDS = {
    "last_kana": ("registration", "last_kana", "single_line_text_field"),
    "first_kana": ("registration", "first_kana", "single_line_text_field"),
    "gender": ("registration", "gender", "single_line_text_field"),
    "locale": ("registration", "locale", "single_line_text_field"),
    "birth_date": ("facts", "birth_date", "date"),
}
_REGISTRATION_ID = ("registration", "id", "id")
WRITTEN_PHONE = ("registration", "phone_written", "single_line_text_field")
_ADDRESS = ("zip", "provinceCode", "city", "address1", "address2")
"""MailingAddress's fields in the order of `Address`, which has the country before them."""
KEPT_PHONE = ("registration", "phone", "single_line_text_field")


def metafield(place: tuple[str, str, str], value: str) -> dict[str, str]:
    namespace, key, kind = place
    return {"namespace": namespace, "key": key, "type": kind, "value": value}


def _metafields(
    profile: Profile, registration_id: str, phone: Phone | None
) -> list[dict[str, str]]:
    fields = [
        {"namespace": namespace, "key": key, "type": kind, "value": value}
        for name, (namespace, key, kind) in METAFIELDS.items()
        if (value := getattr(profile, name)) and (name != "gender" or value != "unknown")
    ]
    if phone is not None and phone.extension is not None:
        fields.append(metafield(WRITTEN_PHONE, profile.phone))
    fields.append(metafield(_REGISTRATION_ID, registration_id))
    return fields


def address_input(profile: Profile, address: Address) -> dict[str, str]:
    """`MailingAddressInput`, the blank ones among its fields too."""
    return _address_input(profile, address, e164(profile))


def _address_input(profile: Profile, address: Address, phone: str) -> dict[str, str]:
    return {
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        **placed_input(parse_fields(address), address.country),
        "phone": phone,
    }


def customer_input(
    profile: Profile, registration_id: str, *, with_phone: bool = True
) -> dict[str, Any]:
    """`CustomerInput` of a new customer. Without its phone the number stays on the address."""
    found = phone_of(profile)
    phone = (found.e164 or "") if found else ""
    body: dict[str, Any] = {
        "email": profile.email,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "locale": profile.locale,
        "metafields": _metafields(profile, registration_id, found),
    }
    if phone and with_phone:
        body["phone"] = phone
    elif profile.phone:
        body["metafields"].append(metafield(KEPT_PHONE, profile.phone))
    if profile.address is not None:
        placed = _address_input(profile, profile.address, phone)
        body["addresses"] = [{key: value for key, value in placed.items() if value}]
    if profile.accepts_marketing:
        body["emailMarketingConsent"] = consent()
    return body


def consent() -> dict[str, str]:
    return {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}


def fill_input(
    existing: Customer, profile: Profile, registration_id: str, *, with_phone: bool = True
) -> dict[str, Any]:
    """`CustomerInput` that fills what a guest customer lacks and overwrites nothing."""
    wanted = customer_input(profile, registration_id, with_phone=with_phone)
    had = existing.profile
    body: dict[str, Any] = {"id": gid(existing.id)}
    if not had.first_name:
        body["firstName"] = wanted["firstName"]
    if not had.last_name:
        body["lastName"] = wanted["lastName"]
    if not had.phone and "phone" in wanted:
        body["phone"] = wanted["phone"]
    if not existing.has_address and "addresses" in wanted:
        body["addresses"] = wanted["addresses"]
    body["metafields"] = [
        field
        for field in wanted["metafields"]
        if f"{field['namespace']}.{field['key']}" not in existing.metafields
    ]
    return body


def leftover_metafields(existing: Customer, profile: Profile) -> list[dict[str, str]]:
    """`MetafieldIdentifierInput` of what the customer has and the newest data does not name."""
    wanted = {f"{f['namespace']}.{f['key']}" for f in _metafields(profile, "-", phone_of(profile))}
    return [
        {"ownerId": gid(existing.id), "namespace": name.split(".")[0], "key": name.split(".")[1]}
        for name in sorted(existing.metafields - wanted)
    ]


def replace_input(
    existing: Customer, profile: Profile, registration_id: str, *, with_phone: bool = True
) -> dict[str, Any]:
    """`CustomerInput` that brings a customer of ours, whose sign-up no caller was told of, to the
    newest data.
    """
    body = customer_input(profile, registration_id, with_phone=with_phone)
    body.pop("emailMarketingConsent", None)
    if existing.profile.phone and "phone" not in body:
        body["phone"] = None
    if existing.has_address and "addresses" not in body:
        body["addresses"] = []
    return body | {"id": gid(existing.id)}


def to_customer(node: Mapping[str, Any]) -> Customer:
    """A node as `CustomerFields` selects it. KeyError, TypeError or ValueError if it is not."""
    email = node.get("defaultEmailAddress") or {}
    address = node.get("defaultAddress") or {}
    metafields: dict[str, str] = {}
    present: list[str] = []
    for field in (node.get("registration") or {})["nodes"]:
        metafields[field["key"]] = field["value"]
        present.append(f"registration.{field['key']}")
    birth_date = (node.get("birthDate") or {}).get("value") or ""
    phone = (node.get("defaultPhoneNumber") or {}).get("phoneNumber") or address.get("phone")
    if birth_date:
        present.append("facts.birth_date")
    return Customer(
        id=numeric_id(node["id"]),
        profile=Profile(
            email=email.get("emailAddress") or "",
            last_name=node.get("lastName") or "",
            first_name=node.get("firstName") or "",
            last_kana=metafields.get("last_kana", ""),
            first_kana=metafields.get("first_kana", ""),
            phone=_phone(phone or "", metafields, address.get("countryCodeV2") or "JP"),
            birth_date=birth_date,
            gender=_gender(metafields.get("gender", "")),
            address=to_address(address) if address else None,
            accepts_marketing=email.get("marketingState") == "SUBSCRIBED",
            locale=metafields.get("locale") or node.get("locale") or "ja",
        ),
        registration_id=metafields.get("id", ""),
        enabled=node.get("state") == "ENABLED",
        has_address=bool(address),
        metafields=frozenset(present),
        is_asked_for_consent=email.get("marketingState") == "PENDING",
    )


def _phone(known: str, metafields: Mapping[str, str], country: str) -> str:
    """With its extension as long as it is still the same number."""
    written = metafields.get("phone_written", "")
    phone = parse_phone(written, country) if known and written else None
    if phone and phone.e164 == known:
        return written
    return known or metafields.get("phone", "")


def _gender(text: str) -> Gender:
    return cast(Gender, text) if text in {"male", "female"} else "unknown"


def to_address(node: Mapping[str, Any]) -> Address | None:
    """A node of Shopify's type MailingAddress; None where it says nothing but the country, as one
    that was emptied does.
    """
    told = [node.get(name) or "" for name in _ADDRESS]
    return Address(node.get("countryCodeV2") or "JP", *told) if any(told) else None
