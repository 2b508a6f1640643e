"""A customer as Smaregi wants a member: texts only, nothing empty, what had to change noted."""

from gateway.customer import Address, Customer, Profile
from gateway.normalize import parse_fields, phone_of, smaregi_kana, smaregi_line

__all__ = ["Adjustments", "Fields", "member_fields"]

LIMIT = 85
_POST_CODE = 10
_SEX = {"unknown": "0", "male": "1", "female": "2"}
_CHANGES = {
    "municipality was merged into another": ("address", "the municipality has its name of today"),
    "prefecture contradicts the address": ("address", "the prefecture is that of the address"),
}
"""Notes on an address that change what is sent; the other notes change nothing."""

Adjustments = list[dict[str, str]]
Fields = dict[str, str]


def member_fields(customer: Customer) -> tuple[Fields, Adjustments]:
    """What the customer told, and what had to be changed to fit (`{field, change}`)."""
    profile = customer.profile
    notes: Adjustments = []
    fields: Fields = {
        "customerCode": customer.member_number,
        "lastName": _cut(profile.last_name, LIMIT, "last_name", notes),
        "firstName": _cut(profile.first_name, LIMIT, "first_name", notes),
        "lastKana": _kana(profile.last_kana, "last_kana", notes),
        "firstKana": _kana(profile.first_kana, "first_kana", notes),
        "mailAddress": profile.email,
        "sex": _SEX[profile.gender],
        "birthDate": profile.birth_date,
        "mailReceiveFlag": "1" if profile.accepts_marketing else "0",
        "status": "0",
        **_phone(profile, notes),
        **_address(profile.address, notes),
    }
    if len(fields["mailAddress"]) > 100:
        del fields["mailAddress"]
        notes.append({"field": "email", "change": "left out: over 100 characters"})
    return {key: value for key, value in fields.items() if value}, notes


def _cut(text: str, limit: int, field: str, notes: Adjustments) -> str:
    if len(text) > limit:
        notes.append({"field": field, "change": f"cut at {limit} characters"})
    return text[:limit]


def _kana(text: str, field: str, notes: Adjustments) -> str:
    if not text:
        return ""
    kana, changed = smaregi_kana(text)
    if changed:
        cut = len(text) > LIMIT
        change = f"cut at {LIMIT} characters" if cut else "changed to fit full-width katakana"
        notes.append({"field": field, "change": change})
    return kana


def _phone(profile: Profile, notes: Adjustments) -> Fields:
    if not profile.phone:
        return {}
    phone = phone_of(profile)
    if phone is None:
        notes.append({"field": "phone", "change": "left out: not a phone number"})
        return {}
    if phone.extension and not phone.national.endswith(f"x{phone.extension}"):
        notes.append({"field": "phone", "change": "its extension is left out: over 20 characters"})
    return {"mobileNumber" if phone.mobile else "phoneNumber": phone.national}


def _address(address: Address | None, notes: Adjustments) -> Fields:
    if address is None:
        return {}
    if address.country != "JP":
        line = " ".join(filter(None, (address.address1, address.address2, address.city)))
        cut = len(line) > LIMIT
        line = line[:LIMIT]
    else:
        parsed = parse_fields(address)
        line, cut = smaregi_line(parsed, LIMIT)
        known_changes = (_CHANGES[note] for note in parsed.notes if note in _CHANGES)
        notes += [{"field": field, "change": change} for field, change in known_changes]
    if cut:
        notes.append({"field": "address", "change": f"cut at {LIMIT} characters"})
    post_code = _cut(address.postal_code, _POST_CODE, "address.postal_code", notes)
    return {"postCode": post_code, "address": line}
