"""A town of 20 000 people with known truth: who is which store member, and who registers online.

Families at one address, shared and re-issued e-mails, variants of names, kana in every writing,
twins, numbers that were given to somebody else, landlines, typos, missing fields, second cards.
`python -m tests.duplicates.population` prints what the rules make of it.
"""

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import jaconv

from gateway.customer import Address, Profile
from tests.duplicates.judging import judge_town
from tests.duplicates.names import FEMALE, LAST, MALE, TOWNS, VARIANTS
from tests.duplicates.town import Home, Person, Record, Town

__all__ = ["PEOPLE", "make_town"]

SEED = 20261121
PEOPLE = 20_000


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.town = Town()
        self._numbers = 0
        self._next_member = 1

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # -- people

    def people(self, count: int) -> None:
        while len(self.town.people) < count:
            self.family()
        del self.town.people[count:]

    def family(self) -> None:
        last, home = self.random.choice(LAST), self.home()
        adults = [self.person(last, home, self.birth(25, 80)) for _ in range(self.adults())]
        children = []
        if len(adults) == 2 and self.chance(0.6):
            oldest = min(adults, key=lambda person: person.birth).birth
            births = [self.after(oldest) for _ in range(self.random.randint(1, 3))]
            if self.chance(0.05):
                births.append(births[0])  # twins
            children = [self.person(last, home, birth) for birth in births]
        self.name_apart(adults + children)
        self.share(adults + children, adults[0])
        self.town.people += adults + children

    def name_apart(self, family: list[Person]) -> None:
        """Nobody gives two children one name."""
        used: set[str] = set()
        for person in family:
            while person.first[1] in used:
                person.first = self.random.choice(MALE + FEMALE)
            used.add(person.first[1])

    def adults(self) -> int:
        return self.random.choice((1, 1, 2, 2, 2))

    def share(self, family: list[Person], head: Person) -> None:
        """Some families have one e-mail; children may have a parent's number."""
        one_mail = len(family) > 1 and self.chance(0.1)
        for person in family[1:]:
            if one_mail and self.chance(0.8):
                person.email = head.email
            if person.birth.year > 2005 and self.chance(0.5):
                person.mobile = head.mobile

    def person(self, last: tuple[str, str], home: Home, birth: date) -> Person:
        number, sex = len(self.town.people), self.random.choice("12")
        self._numbers += 1
        unique = self._numbers
        return Person(
            id=unique,
            last=last,
            first=self.random.choice(MALE if sex == "1" else FEMALE),
            birth=birth,
            sex=sex,
            home=home,
            email=f"p{unique}@{self.random.choice(('example.com', 'example.jp', 'docomo.ne.jp'))}",
            mobile=f"0{self.random.choice('789')}0-{unique // 9000 + 2001}-{unique % 9000 + 1000}",
            old_email=f"old{unique}.{number}@ezweb.ne.jp",
        )

    def home(self) -> Home:
        code, prefecture, city, name = self.random.choice(TOWNS)
        block = (self.random.randint(1, 5), self.random.randint(1, 30), self.random.randint(1, 20))
        flat = f"ハイツ{self.random.choice('ABCさくら')} {self.random.randint(101, 909)}号室"
        building = flat if self.chance(0.5) else ""
        landline = f"03-{self.random.randint(3000, 6999)}-{self.random.randint(1000, 9999)}"
        return Home(code, prefecture, city, name, block, building, landline)

    def birth(self, youngest: int, oldest: int) -> date:
        days = self.random.randint(youngest * 365, oldest * 365)
        return date(2026, 1, 1) - timedelta(days=days)

    def after(self, parent: date) -> date:
        return min(
            parent + timedelta(days=self.random.randint(22 * 365, 40 * 365)), date(2018, 1, 1)
        )

    # -- what goes round

    def pass_on(self) -> None:
        """E-mails and numbers that somebody gave up and somebody else has now."""
        givers = self.random.sample(self.town.people, 400)
        for giver, taker in zip(givers[:200], givers[200:], strict=True):
            if self.chance(0.4):
                taker.email = giver.old_email
            else:
                taker.mobile, giver.mobile = giver.mobile, taker.mobile

    # -- the store's records

    def records(self) -> None:
        for person in list(self.town.people):
            if self.chance(0.45):
                for _ in range(self.random.choice((1,) * 20 + (2, 2, 3))):
                    self.town.records.append(self.record(person))

    def record(self, person: Person, *, now: bool = False) -> Record:
        member_id, self._next_member = self._next_member, self._next_member + 1
        row: dict[str, Any] = {
            "customerId": str(member_id),
            "customerCode": f"{member_id:08d}",
            "status": self.random.choice("0" * 40 + "23"),
            "point": str(self.random.randint(0, 3000)),
            "lastComeDateTime": f"2026-0{self.random.randint(1, 9)}-11T10:00:00+09:00",
            **self.names(person),
            **self.contact(person),
        }
        if self.chance(0.7):
            row["birthDate"] = self.misdated(person.birth).isoformat()
        if self.chance(0.6):
            row["address"] = self.line(person.home)
            row["postCode"] = self.code(person.home) if self.chance(0.9) else ""
        return Record(row, person.id)

    def names(self, person: Person) -> dict[str, str]:
        row = {"lastName": self.variant(person.last[0]), "firstName": person.first[0]}
        if self.chance(0.03):
            row["firstName"] = self.random.choice(("未入力", "-", "様"))
        if self.chance(0.85):
            last, first = person.last[1], self.misheard(person.first[1])
            row |= {"lastKana": self.kana(last), "firstKana": self.kana(first)}
        return row

    def contact(self, person: Person) -> dict[str, str]:
        row: dict[str, str] = {}
        if self.chance(0.5):
            mail = person.old_email if self.chance(0.2) else person.email
            row["mailAddress"] = self.mistyped(mail)
        if self.chance(0.6):
            row["mobileNumber"] = self.random.choice(
                (person.mobile, person.mobile.replace("-", ""))
            )
        elif self.chance(0.2):
            row["mobileNumber"] = "090-0000-0000"
        if self.chance(0.3):
            row["phoneNumber"] = person.home.landline
        return row

    def variant(self, name: str) -> str:
        usable = [(plain, other) for plain, other in VARIANTS if plain in name]
        if usable and self.chance(0.4):
            plain, variant = self.random.choice(usable)
            return name.replace(plain, variant)
        return name

    def kana(self, text: str) -> str:
        return self.random.choice((text, text, text, jaconv.z2h(text), jaconv.kata2hira(text)))

    def misheard(self, kana: str) -> str:
        return "ミ" + kana[1:] if self.chance(0.01) else kana

    def mistyped(self, mail: str) -> str:
        return (
            mail.upper()
            if self.chance(0.1)
            else mail.replace(".", ",")
            if self.chance(0.01)
            else mail
        )

    def misdated(self, birth: date) -> date:
        return birth + timedelta(days=10) if self.chance(0.015) else birth

    def code(self, home: Home) -> str:
        return self.random.choice((home.postal_code, home.postal_code.replace("-", "")))

    def line(self, home: Home) -> str:
        one, two, three = home.block
        numbers = self.random.choice((f"{one}-{two}-{three}", f"{one}丁目{two}番{three}号"))
        whole = f"{home.prefecture}{home.city}{home.town}{numbers}"
        line = whole if self.chance(0.7) else whole.removeprefix(home.prefecture)
        return f"{line} {home.building}".strip() if self.chance(0.6) else line

    # -- online

    def register(self) -> None:
        """Each e-mail once: Shopify has it as a registered customer afterwards."""
        taken: set[str] = set()
        for person in self.random.sample(self.town.people, len(self.town.people) * 35 // 100):
            if person.email not in taken:
                taken.add(person.email)
                person.told = self.profile(person)

    def profile(self, person: Person) -> Profile:
        home = person.home
        one, two, three = home.block
        address = Address(
            postal_code=home.postal_code,
            prefecture=home.prefecture,
            city=home.city,
            address1=f"{home.town}{one}-{two}-{three}",
            address2=home.building,
        )
        told = Profile(
            email=person.email,
            last_name=person.last[0],
            first_name=person.first[0],
            last_kana=person.last[1],
            first_kana=person.first[1],
            phone=person.mobile,
            birth_date=person.birth.isoformat(),
            address=address,
        )
        for missing, chance in (
            ({"last_kana": "", "first_kana": ""}, 0.1),
            ({"phone": ""}, 0.2),
            ({"birth_date": ""}, 0.25),
            ({"address": None}, 0.3),
        ):
            if self.chance(chance):
                told = replace(told, **missing)
        return told


def make_town(people: int = PEOPLE, seed: int = SEED) -> Town:
    maker = _Maker(seed)
    maker.people(people)
    maker.pass_on()
    maker.records()
    maker.register()
    return maker.town


if __name__ == "__main__":
    for line in judge_town(make_town()).lines():
        print(line)  # noqa: T201
