"""Scenario: store members are made and changed at the till while their owners sign up online.

Pages are short, so that a refresh has several of them and may fail between two.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from gateway.channels.smaregi import lists
from gateway.matching import scan
from tests.simulation import trouble
from tests.simulation.judge import Person, judge_records
from tests.simulation.network import Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["broken_refresh", "play"]

_PAGE = 2


async def play(world: World) -> None:
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_CRM": "off"}
    people = [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(3)]
    ids = [world.smaregi.add(lastName="山田", firstName="太郎") for _ in range(dice.randint(1, 5))]
    began: set[str] = set()
    with _short_pages():
        await world.start()
        await asyncio.sleep(2.0)
        if dice.random() < 0.7:
            world.weather.rules += _rules(dice)
        async with asyncio.TaskGroup() as group:
            if dice.random() < 0.2:
                group.create_task(trouble.some(world, 5.0))
            group.create_task(_pos_changes(world, people, ids, began, Random(dice.random())))
            for person in people:
                group.create_task(_online(world, person, began, Random(dice.random())))
        await at_rest(world)
    judge_records(world, people)


@contextmanager
def _short_pages() -> Iterator[None]:
    long = lists.PAGE, scan.FULL_PAGE
    lists.PAGE = scan.FULL_PAGE = _PAGE
    try:
        yield
    finally:
        lists.PAGE, scan.FULL_PAGE = long


def _rules(dice: Random) -> list[Rule]:
    """Pages that fail, and pages that are read early and come late."""
    failing = Fate(0.0, 0.05, "status", applied=False, status=500)
    slow = Fate(0.01, dice.uniform(0.3, 3.0))
    return [
        Rule("smaregi", "GET /customers", lambda dice: Fate(0.02, 0.05), dice.randint(0, 3)),
        Rule("smaregi", "GET /customers", lambda _: failing, dice.choice((0, 1, 2))),
        Rule("smaregi", "GET /customers", lambda _: slow, dice.choice((0, 1, 2))),
        Rule("smaregi", "GET /customers", lambda dice: Fate(0.02, 0.05), dice.randint(0, 2)),
        Rule("smaregi", "GET /customers", lambda _: failing, dice.choice((0, 1, 2))),
    ]


async def _pos_changes(
    world: World, people: list[Person], ids: list[int], began: set[str], dice: Random
) -> None:
    """A member gets the e-mail of somebody who has not signed up yet, among others that change."""
    for person in people:
        if dice.random() < 0.5:
            await world.while_asked("GET /customers", 3.0)
        await asyncio.sleep(dice.choice((0.0, 0.5, 3.0)) * dice.random())
        if person.email in began or not ids:
            continue
        chosen = ids.pop(dice.randrange(len(ids)))
        for other in ids:
            world.smaregi.edit(other, note=f"{world.wall()}")
        world.smaregi.edit(chosen, mailAddress=person.email)
        world.say(f"member {chosen} gets {person.email}")


async def _online(world: World, person: Person, began: set[str], dice: Random) -> None:
    await asyncio.sleep(dice.choice((0.5, 2.0, 8.0)) * dice.random())
    began.add(person.email)
    body = registration(email=person.email, phone=person.phone)
    while (await sign_up(world, person, body, key=None)).status != 201:
        await asyncio.sleep(1.0)


async def broken_refresh(world: World) -> None:
    """A refresh fails after its first page, which was newer than what the others would show."""
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_CRM": "off"}
    people = [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(2)]
    ids = [world.smaregi.add(lastName="山田", firstName="太郎") for _ in range(dice.randint(4, 6))]
    failing = Fate(0.0, 0.05, "status", applied=False, status=500)
    with _short_pages():
        await world.start()
        await asyncio.sleep(2.0)
        world.hook_lost = 1.0  # so that nobody refreshes meanwhile
        world.smaregi.edit(ids[-1], mailAddress=people[0].email)
        await asyncio.sleep(dice.uniform(0.0, 8.0))
        for other in ids[:-1]:
            world.smaregi.edit(other, note=f"{world.wall()}")
        world.weather.rules += [
            Rule("smaregi", "GET /customers", lambda _: Fate(0.02, 0.05), dice.randint(1, 3)),
            Rule("smaregi", "GET /customers", lambda _: failing, dice.randint(1, 2)),
        ]
        await _online(world, people[1], set(), dice)
        await asyncio.sleep(dice.choice((0.0, 10.0)) * dice.random())
        await _online(world, people[0], set(), dice)
        await at_rest(world)
    judge_records(world, people)
