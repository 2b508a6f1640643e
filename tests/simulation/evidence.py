"""Scenario: two store members who are one person are found, their online customers are merged, the
index is read anew; what is known of the pair adds up and stays, and a list says what it lacks.
"""

import asyncio
from random import Random

from gateway.duplicates import Reason
from gateway.sandbox.shopify.session import MergeJob
from tests.simulation import trouble
from tests.simulation.commands import listed, refresh
from tests.simulation.judge import Person
from tests.simulation.rest import at_rest, replay
from tests.simulation.sign_ups import sign_up
from tests.simulation.world import World
from tests.world import registration

__all__ = ["alike"]

_TRIES = 60
_COMMON = {"mobile", "kana_birth"}
_LONGEST = 240.0
"""Seconds after which nothing is left to be looked at, however long a refresh was away."""


async def alike(world: World) -> None:
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_CRM": "off"}
    world.hook_delay = (0.01, dice.choice((0.5, 5.0)))
    people = Person("new@example.com", "090-1000-5678"), Person("old@example.com", "")
    card = world.smaregi.add(
        lastName="山田",
        firstName="太郎",
        lastKana="ヤマダ",
        firstKana="タロウ",
        birthDate="1990-04-01",
        mobileNumber="090-1000-5678",
        mailAddress="old@example.com",
    )
    await world.start()
    world.subscribe()
    await asyncio.sleep(dice.choice((0.0, 2.0)))
    world.weather.pace = (0.005, dice.choice((0.12, 0.5)))
    watch = _Watch(world, card, people[0])
    async with asyncio.TaskGroup() as group:
        if dice.random() < 0.3:
            group.create_task(trouble.some(world, 6.0))
        group.create_task(watch.lists(Random(dice.random())))
        if dice.random() < 0.5:
            group.create_task(_refreshes(world, Random(dice.random())))
        for person in people:
            await _registered(world, person)
            await asyncio.sleep(dice.choice((0.0, 1.0, 5.0)) * dice.random())
        await at_links(world, 2)
        _merge_online(world, people)
    await at_rest(world)
    await _refreshed(world)
    await watch.ends()


async def _registered(world: World, person: Person) -> None:
    body = registration(email=person.email, phone=person.phone or None)
    for _ in range(_TRIES):
        if (await sign_up(world, person, body, key=None)).status in {201, 409}:
            return
        await asyncio.sleep(1.0)


async def at_links(world: World, count: int) -> None:
    """What was given up on the way is replayed by a person."""
    for _ in range(_TRIES):
        for _ in range(_TRIES):
            if len(_links(world)) == count:
                return
            await asyncio.sleep(0.5)
        await replay(world, {"outcome": "failed"})
    world.find("stuck", "the members are never linked")


def _links(world: World) -> dict[int, int]:
    sql = "SELECT customer_id, reference FROM links WHERE channel = 'smaregi'"
    return {row[0]: int(row[1]) for row in world.disk.image.execute(sql).fetchall()}


def _merge_online(world: World, people: tuple[Person, Person]) -> None:
    kept, gone = (world.shopify.store.by_email(each.email) for each in people)
    assert kept is not None
    assert gone is not None
    world.shopify._merge(MergeJob("gid://shopify/Job/1", kept.id, gone.id))
    world.say(f"merged {gone.id} into {kept.id}")


async def _refreshes(world: World, dice: Random) -> None:
    for _ in range(dice.randint(1, 2)):
        await asyncio.sleep(dice.uniform(0.0, 12.0))
        await refresh(world)


async def _refreshed(world: World) -> None:
    for _ in range(_TRIES):
        if (await refresh(world)).code == 0:
            return
        await asyncio.sleep(1.0)
    world.find("stuck", "the index cannot be read anew")


class _Watch:
    """Lists again and again; what one has said, and was not to come, stays."""

    def __init__(self, world: World, card: int, person: Person) -> None:
        self._world = world
        self._card = card
        self._person = person
        self._merged = False

    def _pair(self) -> tuple[int, int] | None:
        """Once both are known to be there: the card, and the member made for the customer."""
        customer = self._world.shopify.store.by_email(self._person.email)
        made = _links(self._world).get(customer.id) if customer is not None else None
        return None if made in {None, self._card} else (self._card, made or 0)

    async def lists(self, dice: Random) -> None:
        for _ in range(dice.randint(2, 8)):
            await asyncio.sleep(dice.choice((0.1, 1.0, 5.0)) * dice.random())
            await self.look()

    async def look(self) -> bool:
        """Whether the list was whole."""
        pair = self._pair()
        said = await listed(self._world)
        if pair is None or said is None or said[1]:
            return False
        found, _ = said
        reasons, score = found.get(pair, (set(), 0))
        if not reasons >= _COMMON:
            self._world.find("evidence", f"a list says of {pair} {reasons}, and not what it lacks")
        if self._merged and "merged_online" not in reasons:
            self._world.find("evidence", f"{pair}: that their customers were merged is forgotten")
        self._merged |= "merged_online" in reasons
        if score != sum(Reason(each).points for each in reasons):
            self._world.find("evidence", f"{pair} has {score} points for {reasons}")
        return True

    async def ends(self) -> None:
        until = self._world.monotonic() + _LONGEST
        while not await self.look():
            if self._world.monotonic() > until:
                return self._world.find("stuck", "a list is never whole")
            await asyncio.sleep(5.0)
        if not self._merged:
            self._world.find("evidence", "that the customers were merged is put down nowhere")
        return None
