"""A town: its people as they are, and the store's records of them."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.customer import Profile

__all__ = ["Home", "Person", "Record", "Town"]


@dataclass(slots=True)
class Person:
    """As they are; what a record holds of them may be older, misspelt or missing."""

    id: int
    last: tuple[str, str]
    first: tuple[str, str]
    birth: date
    sex: str
    home: "Home"
    email: str
    mobile: str
    old_email: str
    told: Profile | None = None  # of those who register online


@dataclass(frozen=True, slots=True)
class Home:
    postal_code: str
    prefecture: str
    city: str
    town: str
    block: tuple[int, int, int]
    building: str
    landline: str


@dataclass(frozen=True, slots=True)
class Record:
    """A store member: Smaregi's row, and whose it is."""

    row: dict[str, Any]
    person: int


@dataclass(slots=True)
class Town:
    people: list[Person] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def online(self) -> list[Person]:
        return [person for person in self.people if person.told is not None]
