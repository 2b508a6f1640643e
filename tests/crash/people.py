"""Who signs up, and what the store and the CRM know of them beforehand."""

from dataclasses import dataclass
from random import Random
from typing import Any

__all__ = ["FIRST_NAMES", "LAST_NAMES", "MARKS", "Person", "people"]

_KANA = (
    ("鰐淵", "ワニブチ", "権八郎", "ゴンパチロウ"),
    ("釈迦郡", "シャカゴオリ", "雁之介", "ガンノスケ"),
    ("躑躅森", "ツツジモリ", "初音子", "ハネコ"),
    ("百目鬼", "ドウメキ", "十四男", "トシオ"),
)
_CORRECTED = "権九郎"
FIRST_NAMES = ("百恵之丞", "八重桜子")
LAST_NAMES = ("四十物谷", "勅使河原")
"""What people call themselves later, and what the shop's staff write instead."""
MARKS: tuple[bytes, ...] = tuple(
    text.encode()
    for text in (
        "@storefront.example",
        _CORRECTED,
        *FIRST_NAMES,
        *LAST_NAMES,
        *(name for row in _KANA for name in row),
    )
)
"""Bytes that tell of somebody: none may be in a file or a log of the gateway."""


@dataclass(frozen=True, slots=True)
class Person:
    """`patience` is how often they try; `tabs` how many send the same at the same time.

    `hurry`: seconds until the first tries hang up. `corrects`: after the first 503 the first name
    is another one. `asks_again`: after the 201 they send the same once more. `later`: their first
    tab prefers to be answered at once (`respond-async`). `late_card`: the store makes them a member
    only when they begin to sign up. `has_twin`: they have a second card, by an older e-mail.
    """

    number: int
    body: dict[str, Any]
    keyed: bool
    patience: int
    tabs: int
    hurry: float | None
    corrects: bool
    asks_again: bool
    is_member: bool
    is_contact: bool
    later: bool
    late_card: bool
    has_twin: bool

    @property
    def email(self) -> str:
        return str(self.body["email"])

    @property
    def old_number(self) -> str:
        """The number on the plastic card of a store member."""
        return f"C{self.number:07}"

    @property
    def corrected(self) -> dict[str, Any]:
        return self.body | {"first_name": _CORRECTED}


def people(count: int, dice: Random) -> list[Person]:
    return [_person(number, dice) for number in range(1, count + 1)]


def _person(number: int, dice: Random) -> Person:
    corrects = dice.random() < 0.05
    is_member = dice.random() < 0.25
    return Person(
        number=number,
        body=_body(number, dice),
        keyed=not corrects and dice.random() < 0.5,
        patience=dice.choice((1, 2)) if dice.random() < 0.1 else 200,
        tabs=2 if not corrects and dice.random() < 0.07 else 1,
        hurry=dice.uniform(0.02, 0.6) if dice.random() < 0.1 else None,
        corrects=corrects,
        asks_again=not corrects and dice.random() < 0.2,
        is_member=is_member,
        is_contact=dice.random() < 0.1,
        later=not corrects and dice.random() < 0.25,
        late_card=is_member and dice.random() < 0.3,
        has_twin=is_member and dice.random() < 0.05,
    )


def _body(number: int, dice: Random) -> dict[str, Any]:
    last, last_kana, first, first_kana = dice.choice(_KANA)
    # A family shares a phone: Shopify takes it for the first of them only.
    phone = number - 1 if number % 25 == 0 else number
    return {
        "email": f"person{number}@storefront.example",
        "email_verified": dice.random() < 0.5,
        "last_name": last,
        "first_name": first,
        "last_kana": last_kana,
        "first_kana": first_kana,
        "phone": f"090-{1000 + phone // 10000:04}-{phone % 10000:04}",
        "birth_date": f"{1950 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}",
        "gender": dice.choice(("male", "female", "unknown")),
        "address": {
            "postal_code": "150-0043",
            "prefecture": "東京都",
            "city": "渋谷区",
            "address1": f"道玄坂{1 + number % 90}-{1 + number % 30}",
        },
        "accepts_marketing": dice.random() < 0.5,
    }
