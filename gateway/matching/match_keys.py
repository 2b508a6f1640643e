"""What the index keeps of a member, and what a customer is compared by: keyed hashes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway import REMEMBERED
from gateway.customer import Address, Profile
from gateway.matching.rules import Evidence
from gateway.normalize import (
    Placeholder,
    email_key,
    is_placeholder,
    kana_key,
    mobile_key,
    mobile_of,
    name_key,
    parse_birth_date,
    place_digest,
    postal_key,
)
from gateway.store.members import KEY_SIZE, Values

__all__ = ["KEYS", "MemberHasher", "Values", "earlier", "instant"]

KEYS = "2"
"""The version of the rules by which keys are made. Raise it with every change: an index with older
keys is built anew. A test holds the keys of a sample."""


_TEXTS = {str, type(None)}


class MemberHasher:
    """The same keys for both sides; nothing that it returns is readable.

    `key`: from `Keys.derived`, so that a process that only hashes needs no more.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._email = _keyed(key, b"email")
        self._kana = _keyed(key, b"kana")
        self._name = _keyed(key, b"name")
        birth, postal = _keyed(key, b"birth"), _keyed(key, b"postal")
        self._birth = lru_cache(REMEMBERED)(lambda text: birth(_birth(text)))
        self._mobile = _keyed(key, b"mobile")
        self._postal = lru_cache(REMEMBERED)(lambda text: postal(postal_key(text)))
        self._place = _keyed(key, b"place")

    def evidence(self, profile: Profile) -> Evidence:
        return Evidence(
            kana_key=self._kana(_kana(profile.last_kana, profile.first_kana)),
            name_key=self._name(_name(profile.last_name, profile.first_name)),
            birth_key=self._birth(profile.birth_date),
            mobile_key=self._mobile(mobile_of(profile)),
            postal_key=self._postal(_postal(profile.address)),
            place_key=self._place(_place(profile.address)),
        )

    def signup_evidence(self, profile: Profile) -> dict[str, bytes | None]:
        """What the customer says, as the columns of the index."""
        return asdict(self.evidence(profile)) | {"email_key": self.email(profile.email)}

    def email(self, text: str) -> bytes | None:
        key = email_key(text) if text else ""
        return None if key == Placeholder.EMAIL else self._email(key)

    def values(self, row: Mapping[str, Any]) -> Values:
        """A member as Smaregi gives it, in the order of `Member`'s fields."""
        if not _TEXTS.issuperset(map(type, row.values())):
            row = {name: None if value is None else str(value) for name, value in row.items()}
        get = row.get
        postal_code = get("postCode") or ""
        mobile = mobile_key(get("mobileNumber") or "") or mobile_key(get("phoneNumber") or "")
        return (
            int(row["customerId"]),
            get("customerCode") or "",
            get("customerNo") or "",
            self.email(get("mailAddress") or ""),
            int(get("status") or 0),
            self._kana(_kana(get("lastKana") or "", get("firstKana") or "")),
            self._name(_name(get("lastName") or "", get("firstName") or "")),
            self._birth(get("birthDate") or ""),
            get("lastComeDateTime") or "",
            int(instant(get("updDateTime") or "")),
            self._mobile(mobile),
            self._postal(postal_code),
            self._place(place_digest(postal_code, address1=get("address") or "")),
        )


def _keyed(key: bytes, purpose: bytes) -> Callable[[str], bytes | None]:
    """Keyed BLAKE2b; None of an empty text. Copying a prepared state is half the work."""
    prepared = hashlib.blake2b(digest_size=KEY_SIZE, key=key, person=purpose)

    def hashed(text: str) -> bytes | None:
        if not text:
            return None
        state = prepared.copy()
        state.update(text.encode("utf-8", "surrogatepass"))
        return state.digest()

    return hashed


def instant(stamp: str) -> float:
    """Unix seconds of one of Smaregi's time stamps; 0 if it is not one."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def earlier(stamp: str, seconds: float) -> str:
    """The stamp as it is where it is none, or nothing is to be taken off."""
    if not seconds or not instant(stamp):
        return stamp
    return (datetime.fromisoformat(stamp) - timedelta(seconds=seconds)).isoformat()


def has_another_given_name(row: Mapping[str, Any], profile: Profile) -> bool:
    """Whether a member's given name is not the customer's, in kanji and in kana, both known."""
    forms = (
        (_name_part(str(row.get("firstName") or "")), _name_part(profile.first_name)),
        (_kana_part(str(row.get("firstKana") or "")), _kana_part(profile.first_kana)),
    )
    return all(theirs and ours and theirs != ours for theirs, ours in forms)


def _kana(last: str, first: str) -> str:
    return _both(_kana_part(last), _kana_part(first))


def _name(last: str, first: str) -> str:
    return _both(_name_part(last), _name_part(first))


def _both(last: str, first: str) -> str:
    return last + first if last and first else ""


@lru_cache(REMEMBERED)
def _kana_part(text: str) -> str:
    return kana_key(text) if text and not is_placeholder(text) else ""


@lru_cache(REMEMBERED)
def _name_part(text: str) -> str:
    return name_key(text) if text and not is_placeholder(text) else ""


def _birth(text: str) -> str:
    day = parse_birth_date(text) if text else None
    return day.isoformat() if day and day.isoformat() != Placeholder.BIRTH_DATE else ""


def _postal(address: Address | None) -> str:
    return address.postal_code if address and address.country == "JP" else ""


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
