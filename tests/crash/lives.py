"""What happens to people after they have signed up: from all sides, and beside those who do.

The events of one person come one after the other, each field has one side that writes it, and what
may still arrive late is waited for: so what must stand in the end is known. Of different people
they come at the same time.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gateway.sandbox import Sandbox
from tests.crash.people import FIRST_NAMES, LAST_NAMES, Person
from tests.crash.shop import Shop
from tests.crash.storefront import Storefront
from tests.crash.till import Till

__all__ = ["LATEST", "Life", "Lives"]

LATEST = 5.5
"""Seconds after which no late request is on its way any more."""
_SHARE = 0.35
_CONSENT = {True: "SUBSCRIBED", False: "UNSUBSCRIBED"}


@dataclass(slots=True)
class Life:
    """`wanted`: the newest word on each field that was changed, in the fields of a registration.

    `left`: their customers who were deleted, or merged into somebody else's, on purpose. `merged`:
    they are the survivor of a merge; `absorbed`: the customer who became one with them.
    `returned`: they have signed up again since. `proven`: their e-mail is known to be theirs.
    """

    proven: bool
    wanted: dict[str, Any] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    merged: bool = False
    absorbed: int = 0
    returned: bool = False


class Lives:
    """`by_number` has whoever had a life. `leave` bounds how many customers may disappear: too many
    at once are not believed.
    """

    def __init__(
        self, sandbox: Sandbox, storefront: Storefront, till: Till, seed: int, leave: int = 18
    ) -> None:
        self._sandbox = sandbox
        self._storefront = storefront
        self._pos_changes = till
        self.shop = Shop(sandbox, storefront, Random(f"{seed} shop"))
        self._seed = seed
        self._leave = leave
        self._waiting: asyncio.Queue[Person | None] = asyncio.Queue()
        self._alone: list[Person] = []
        self.by_number: dict[int, Life] = {}
        self.counts: dict[str, int] = {}

    def begin(self, person: Person) -> None:
        """For some of those who were answered 201."""
        if self._dice(person).random() < _SHARE and self._storefront.told[person.number].answers:
            self._waiting.put_nowait(person)

    async def run(self, at_once: int) -> None:
        """Until `end`, and those who have begun by then."""
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._live_on())

    def end(self, at_once: int) -> None:
        for _ in range(at_once):
            self._waiting.put_nowait(None)

    def one_with(self) -> dict[int, int]:
        """By the customer who survived a merge, who became one with them."""
        by_number = self.by_number.items()
        return {self._told(number): life.absorbed for number, life in by_number if life.merged}

    def _dice(self, person: Person) -> Random:
        return Random(f"{self._seed} life {person.number}")

    async def _live_on(self) -> None:
        while (person := await self._waiting.get()) is not None:
            await self._live(person)

    async def _live(self, person: Person) -> None:
        dice = self._dice(person)
        life = self.by_number[person.number] = Life(person.body["email_verified"])
        if person.is_member and not await self._is_linked(person):
            return
        if not life.proven and person.is_member:
            self._count("sign-ins")
            self._sandbox.shopify.enable(self._customer(person))
            life.proven = True
        for _ in range(dice.randint(1, 3)):
            await asyncio.sleep(dice.uniform(0.0, 1.0))
            name, event = dice.choice(_EVENTS)
            if await event(self, person, life, dice):
                self._count(name)
        await self._last(person, life, dice)

    async def _last(self, person: Person, life: Life, dice: Random) -> None:
        """Some leave the shop; some of these come back. Some are found to be one person."""
        if dice.random() > 0.2 or self._leave <= 0:
            return
        self._leave -= 1
        bought = self._customer(person) in self.shop.bought  # then Shopify deletes nobody
        if dice.random() < 0.5 and not bought:
            await self._deleted(person, life, dice)
        elif self._alone:
            self._merged(self._alone.pop(), person)
        else:
            self._alone.append(person)

    async def _deleted(self, person: Person, life: Life, dice: Random) -> None:
        customer_id = self._customer(person)
        self._count("deletions")
        life.left.add(customer_id)
        life.wanted.clear()
        self._sandbox.shopify.delete_customer(customer_id)
        if dice.random() < 0.5:
            await asyncio.sleep(dice.uniform(0.0, 5.0))
            life.returned = True
            await self._storefront.return_to(person)

    def _merged(self, kept: Person, gone: Person) -> None:
        self._count("merges")
        life, lost = self.by_number[kept.number], self._customer(gone)
        life.merged, life.absorbed = True, lost
        self.by_number[gone.number].left.add(lost)
        self._sandbox.shopify.merge_customers(self._customer(kept), lost)

    # -- what happens; each answers whether it did

    async def _change(self, person: Person, life: Life, dice: Random) -> bool:
        return await self._patch(person, life, {"first_name": dice.choice(FIRST_NAMES)})

    async def _wish(self, person: Person, life: Life, dice: Random) -> bool:
        return await self._patch(person, life, {"accepts_marketing": dice.random() < 0.4})

    async def _patch(self, person: Person, life: Life, changes: Mapping[str, Any]) -> bool:
        done = await self._storefront.change(person, self._customer(person), dict(changes))
        life.wanted |= changes
        if not done:
            await asyncio.sleep(LATEST)
        return True

    async def _staff(self, person: Person, life: Life, dice: Random) -> bool:
        name = dice.choice(LAST_NAMES)
        self._sandbox.shopify.edit_customer(self._customer(person), lastName=name)
        life.wanted["last_name"] = name
        return True

    async def _preference(self, person: Person, life: Life, dice: Random) -> bool:
        """In the shop's account page, or by the link in a mail."""
        wish, store = dice.random() < 0.4, self._sandbox.shopify.store
        consent = {"marketingState": _CONSENT[wish], "marketingOptInLevel": "SINGLE_OPT_IN"}
        store.set_consent(store.customers[self._customer(person)], consent)
        life.wanted["accepts_marketing"] = wish
        return True

    async def _at_the_till(self, person: Person, life: Life, dice: Random) -> bool:
        if not await self._is_linked(person):
            return False
        member = self._pos_changes.member_of(self._customer(person))
        if member is None:
            return False
        life.wanted["birth_date"] = birth = (
            f"{dice.randint(1930, 2005)}-{1 + person.number % 12:02}-09"
        )
        self._pos_changes.edit(member, birthDate=birth)
        return True

    async def _shopping(self, person: Person, _life: Life, dice: Random) -> bool:
        member = self._pos_changes.member_of(self._customer(person))
        if member is None or person.has_twin:  # a merge of two cards wants a till at rest
            return False
        if dice.random() < 0.5:
            self._pos_changes.sell(member, dice.randint(0, 99), dice.randint(0, 99))
        else:
            self._pos_changes.give(member, dice.randint(1, 99))
        return True

    async def _order(self, person: Person, _life: Life, dice: Random) -> bool:
        await self.shop.buy(self._customer(person), dice)
        return True

    async def _reservation(self, person: Person, _life: Life, dice: Random) -> bool:
        if not await self._is_linked(person):
            return False
        customer = self._customer(person)
        member = self._pos_changes.member_of(customer)
        if member is None:
            return False
        self.shop.members[customer] = member
        for _ in range(dice.randint(1, 2)):
            if not person.has_twin:
                self._pos_changes.sell(member, 300, 0)
            await self.shop.spend(customer, dice.choice((1, 30, 120, 290, 5000)), dice)
        return True

    async def _is_linked(self, person: Person) -> bool:
        """Whether the gateway knows the store member, waited for a little."""
        for _ in range(20):
            if await self._storefront.is_with("smaregi", person):
                return True
            await asyncio.sleep(0.5)
        return False

    def _customer(self, person: Person) -> int:
        return self._told(person.number)

    def _told(self, number: int) -> int:
        told = self._storefront.told[number]
        return int(told.answers[-1]["shopify_customer_id"].rpartition("/")[2])

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


_Event = Callable[[Lives, Person, Life, Random], Any]
_EVENTS: tuple[tuple[str, _Event], ...] = (
    ("changes by PATCH", Lives._change),
    ("wishes by PATCH", Lives._wish),
    ("changes by staff", Lives._staff),
    ("wishes in Shopify", Lives._preference),
    ("changes at the till", Lives._at_the_till),
    ("points given or used at the till", Lives._shopping),
    *[("people who order", Lives._order)] * 2,
    *[("people who reserve points", Lives._reservation)] * 2,
)
