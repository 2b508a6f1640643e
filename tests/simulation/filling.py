"""Scenario: a backfill while the disk fills, the CRM fails and the gateway dies; then the same
command again and again, until it says that all is done.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from gateway.shopify import roll
from tests.simulation import trouble
from tests.simulation.commands import backfill
from tests.simulation.judge import Person, judge_records
from tests.simulation.network import Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["backfilled"]

_TRIES = 30
_FEW, _MANY = (3, 25), (70, 100)


def _early(world: World) -> list[int]:
    """Customers from before the gateway; only the CRM is to have them. Seldom more than are sent
    at a time.
    """
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_SMAREGI": "off"}
    made = [
        world.shopify.add_customer(
            email=f"early{number}@example.com", lastName="山田", firstName="太郎"
        )
        for number in range(world.dice.randint(*world.dice.choice((_FEW, _FEW, _FEW, _MANY))))
    ]
    return [each.id for each in made]


async def backfilled(world: World) -> None:
    dice, early = world.dice, _early(world)
    if dice.random() < 0.8:
        await world.start()
        await asyncio.sleep(dice.choice((0.0, 2.0)))
    serving = world.gateway is not None
    if dice.random() < 0.3:
        failing = Fate(0.0, 0.05, "status", applied=False, status=dice.choice((500, 503, 400)))
        world.weather.rules.append(
            Rule("crm", "POST /contacts", lambda _: failing, dice.randint(1, 4))
        )
    with _short_pages(dice.choice((4, 100))):
        async with asyncio.TaskGroup() as group:
            if dice.random() < 0.8:
                group.create_task(_disk_fills(world, Random(dice.random())))
            if serving and dice.random() < 0.3:
                group.create_task(trouble.some(world, 4.0))
            if serving and dice.random() < 0.3:
                group.create_task(_sign_up(world, Random(dice.random())))
            await _until_done(world, early)
        await at_rest(world)
    judge_records(world)


@contextmanager
def _short_pages(size: int) -> Iterator[None]:
    long, roll.PAGE = roll.PAGE, size
    try:
        yield
    finally:
        roll.PAGE = long


async def _disk_fills(world: World, dice: Random) -> None:
    for _ in range(dice.randint(1, 3)):
        await world.while_asked("POST /contacts", 20.0)
        await asyncio.sleep(dice.choice((0.0, 0.1, 0.5)) * dice.random())
        world.disk.full = True
        world.say("the disk is full")
        await asyncio.sleep(dice.choice((0.1, 0.5, 3.0)))
        world.disk.full = False
        world.say("the disk has room")


async def _sign_up(world: World, dice: Random) -> None:
    person = Person("p0@example.com", "090-1000-5678")
    await asyncio.sleep(3.0 * dice.random())
    body = registration(email=person.email, phone=person.phone)
    for _ in range(_TRIES):
        if (await sign_up(world, person, body, key=None)).status in {201, 409}:
            return
        await asyncio.sleep(1.0)


async def _until_done(world: World, early: list[int]) -> None:
    for _ in range(_TRIES):
        end = await backfill(world, "crm")
        if end.code == 0:
            return _judge_done(world, early)
        await asyncio.sleep(world.dice.choice((0.0, 0.5, 5.0)) * world.dice.random())
    return world.find("stuck", "a backfill does not come to its end")


def _judge_done(world: World, early: list[int]) -> None:
    """Who is not in the CRM after exit 0 was tried, and an earlier run has said so."""
    there = {c.properties.get("shopify_customer_id") for c in world.hubspot.contacts.values()}
    sql = """SELECT customer_id FROM deliveries WHERE outcome IN ('retrying', 'failed')
             UNION ALL SELECT customer_id FROM deliveries WHERE outcome = 'pending' AND attempts"""
    tried = {row[0] for row in world.disk.image.execute(sql).fetchall()}
    waiting = [each for each in early if str(each) not in there and each not in tried]
    if waiting:
        world.find("exit 0", f"{len(waiting)} customers wait: {waiting}")
