"""What the index keeps of a member, and what a customer is compared by: keyed hashes."""

from collections.abc import Mapping
from typing import Any

from gateway.customer import Address, Profile
from gateway.matching.rules import Evidence
from gateway.normalize import (
    Placeholder,
    email_key,
    is_placeholder,
    kana_key,
    mobile_key,
    name_key,
    parse_birth_date,
    place_digest,
    postal_key,
)
from gateway.store import Keys
from gateway.store.members import Member

__all__ = ["MemberHasher"]


class MemberHasher:
    """The same keys for both sides; nothing that it returns is readable."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def evidence(self, profile: Profile) -> Evidence:
        return Evidence(
            kana_key=self._key(b"kana", _kana(profile.last_kana, profile.first_kana)),
            name_key=self._key(b"name", _name(profile.last_name, profile.first_name)),
            birth_key=self._key(b"birth", _birth(profile.birth_date)),
            mobile_key=self._key(b"mobile", mobile_key(profile.phone)),
            postal_key=self._key(b"postal", _postal(profile.address)),
            place_key=self._key(b"place", _place(profile.address)),
        )

    def email(self, text: str) -> bytes | None:
        return self._key(b"email", "" if is_placeholder(text) else email_key(text))

    def _key(self, purpose: bytes, text: str) -> bytes | None:
        return self._keys.hash(purpose, text) if text else None

    def member(self, row: Mapping[str, Any]) -> Member:
        def text(name: str) -> str:
            value = row.get(name)
            return "" if value is None else str(value)

        return Member(
            member_id=int(row["customerId"]),
            code=text("customerCode"),
            number=text("customerNo"),
            email_key=self.email(text("mailAddress")),
            status=int(text("status") or 0),
            kana_key=self._key(b"kana", _kana(text("lastKana"), text("firstKana"))),
            name_key=self._key(b"name", _name(text("lastName"), text("firstName"))),
            birth_key=self._key(b"birth", _birth(text("birthDate"))),
            last_come=text("lastComeDateTime"),
            points=int(float(text("point") or 0)),
            mobile_key=self._key(
                b"mobile", mobile_key(text("mobileNumber")) or mobile_key(text("phoneNumber"))
            ),
            postal_key=self._key(b"postal", postal_key(text("postCode"))),
            place_key=self._key(
                b"place", place_digest(postal_code=text("postCode"), address1=text("address"))
            ),
        )


def _kana(last: str, first: str) -> str:
    parts = [part for part in (last, first) if part and not is_placeholder(part)]
    return kana_key("".join(parts)) if len(parts) == 2 else ""


def _name(last: str, first: str) -> str:
    parts = [part for part in (last, first) if part and not is_placeholder(part)]
    return name_key("".join(parts)) if len(parts) == 2 else ""


def _birth(text: str) -> str:
    day = parse_birth_date(text) if text else None
    return day.isoformat() if day and day.isoformat() != Placeholder.BIRTH_DATE else ""


def _postal(address: Address | None) -> str:
    return postal_key(address.postal_code) if address and address.country == "JP" else ""


def _place(address: Address | None) -> str:
    if address is None or address.country != "JP":
        return ""
    return place_digest(
        postal_code=address.postal_code,
        prefecture=address.prefecture,
        city=address.city,
        address1=address.address1,
        address2=address.address2,
    )
