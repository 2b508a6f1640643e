"""A customer as Smaregi wants a member: texts only, nothing empty, what had to change noted."""

from gateway.customer import Address, Customer
from gateway.normalize import is_mobile, parse_phone, smaregi_kana
from gateway.normalize.address import parse_address
from gateway.normalize.targets import smaregi_line

__all__ = ["Fields", "member_fields"]

LIMIT = 85
PLACEHOLDER = "未入力"
_SEX = {"unknown": "0", "male": "1", "female": "2"}

Adjustments = list[dict[str, str]]
Fields = dict[str, str]


def member_fields(customer: Customer) -> tuple[Fields, Adjustments]:
    """The body of a create, and what had to be changed to fit (`{field, change}`)."""
    profile = customer.profile
    notes: Adjustments = []
    fields: Fields = {
        "customerCode": customer.member_number,
        "lastName": _name(profile.last_name, "last_name", notes),
        "firstName": _name(profile.first_name, "first_name", notes),
        "lastKana": _kana(profile.last_kana, "last_kana", notes),
        "firstKana": _kana(profile.first_kana, "first_kana", notes),
        "mailAddress": profile.email,
        "sex": _SEX[profile.gender],
        "birthDate": profile.birth_date,
        "mailReceiveFlag": "1" if profile.accepts_marketing else "0",
        "status": "0",
        **_phone(profile.phone, notes),
        **_address(profile.address, notes),
    }
    if len(fields["mailAddress"]) > 100:
        del fields["mailAddress"]
        notes.append({"field": "email", "change": "left out: over 100 characters"})
    return {key: value for key, value in fields.items() if value}, notes


def _name(text: str, field: str, notes: Adjustments) -> str:
    if not text:
        notes.append({"field": field, "change": f"filled with {PLACEHOLDER}"})
        return PLACEHOLDER
    if len(text) > LIMIT:
        notes.append({"field": field, "change": f"cut at {LIMIT} characters"})
    return text[:LIMIT]


def _kana(text: str, field: str, notes: Adjustments) -> str:
    if not text:
        return ""
    kana, changed = smaregi_kana(text)
    if changed:
        notes.append({"field": field, "change": "changed to fit full-width katakana"})
    return kana


def _phone(text: str, notes: Adjustments) -> Fields:
    if not text:
        return {}
    phone = parse_phone(text)
    if phone is None:
        notes.append({"field": "phone", "change": "left out: not a phone number"})
        return {}
    return {"mobileNumber" if is_mobile(text) else "phoneNumber": phone.national}


def _address(address: Address | None, notes: Adjustments) -> Fields:
    if address is None:
        return {}
    if address.country != "JP":
        line = " ".join(filter(None, (address.address1, address.address2, address.city)))
        cut = len(line) > LIMIT
        line = line[:LIMIT]
    else:
        line, cut = smaregi_line(
            parse_address(
                postal_code=address.postal_code,
                prefecture=address.prefecture,
                city=address.city,
                address1=address.address1,
                address2=address.address2,
            ),
            LIMIT,
        )
    if cut:
        notes.append({"field": "address", "change": f"cut at {LIMIT} characters"})
    return {"postCode": address.postal_code[:10], "address": line}
