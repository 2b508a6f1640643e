"""What the index keeps of a member, and what a customer is compared by: keyed hashes."""

from collections.abc import Mapping
from typing import Any

from gateway.customer import Profile
from gateway.matching.rules import Evidence
from gateway.normalize import (
    Placeholder,
    email_key,
    is_placeholder,
    kana_key,
    name_key,
    parse_birth_date,
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
