"""The store: its members from before, cards made while people sign up, points given at the till."""

from collections.abc import Iterable, Iterator, Mapping

from gateway.sandbox import Sandbox
from tests.crash.people import Person

__all__ = ["Till"]

_CROWD = 1100
"""Members of nobody who signs up: more than Smaregi gives on one page."""


class Till:
    """`due` is what each member should hold; `merged` the twins: the absorbed and its survivor."""

    def __init__(self, sandbox: Sandbox, everybody: Iterable[Person]) -> None:
        self._smaregi = sandbox.smaregi
        self.due: dict[int, int] = {}
        self.twins: dict[int, int] = {}
        for person in everybody:
            if person.is_member and not person.late_card:
                self.card(person)
            if person.is_contact:
                sandbox.hubspot.add(email=person.email, lastname=person.body["last_name"])
        self._crowd = [self._smaregi.add(lastName="群衆", firstName="一") for _ in range(_CROWD)]

    def comes(self, person: Person) -> None:
        """Somebody begins to sign up; some have just been at the till."""
        if person.late_card:
            self.card(person)

    def card(self, person: Person) -> None:
        """The member that a person is from before; some have a second one, by an old e-mail."""
        body, number = person.body, person.number
        wish = "1" if body["accepts_marketing"] else "0"
        row = {
            "lastName": body["last_name"],
            "firstName": body["first_name"],
            "lastKana": body["last_kana"],
            "firstKana": body["first_kana"],
            "birthDate": body["birth_date"],
            "mailReceiveFlag": wish,
        }
        email, code = person.email, person.old_number
        main = self._made(number % 500, **row, customerCode=code, mailAddress=email)
        if person.has_twin:
            email, code = f"old-{email}", f"T{code}"
            twin = self._made(number % 70 + 1, **row, customerCode=code, mailAddress=email)
            self.twins[twin] = main

    def _made(self, points: int, **row: str) -> int:
        member = self._smaregi.add(**row)
        self.due[member] = 0
        self.give(member, points)
        return member

    def give(self, member: int, points: int) -> None:
        """Somebody bought something."""
        held = int(self._smaregi.members[member]["point"] or "0")
        self._smaregi.edit(member, point=str(held + points))
        self.due[member] = self.due.get(member, 0) + points

    def member_of(self, customer_id: int) -> int | None:
        """Who has this customer's number."""
        return self._smaregi.members.with_code(str(customer_id))

    def edit(self, member: int, **fields: str) -> None:
        self._smaregi.edit(member, **fields)

    def touch_crowd(self) -> None:
        """A change of all at once, of which no webhook tells: what comes next has several pages."""
        members = self._smaregi.members
        for each in self._crowd:
            members.put(each, members[each], self._smaregi.now())

    def sell(self, member: int, points: int, used: int) -> None:
        """Somebody bought something, and paid a part of it with points, as far as they had any."""
        used = min(used, int(self._smaregi.members[member]["point"] or "0"))
        self._smaregi.sale(member, points, used)
        self.due[member] = self.due.get(member, 0) + points - used

    def purses(self, moved: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
        """Of each member, with their twin if they have one: what is due, with what was `moved` for
        orders, and what they hold.
        """
        twin_of = {main: twin for twin, main in self.twins.items()}
        members = self._smaregi.members
        for member in members:
            if member in self.twins:
                continue
            all_of = [each for each in (member, twin_of.get(member)) if each is not None]
            due = sum(self.due.get(each, 0) + moved.get(each, 0) for each in all_of)
            yield member, due, sum(int(members[each]["point"] or "0") for each in all_of)
