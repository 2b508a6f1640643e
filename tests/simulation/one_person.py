"""Scenario: one person's sign-ups overlap: double clicks, mended data, promises, lost answers."""

import asyncio
from collections.abc import Callable
from random import Random

from tests.simulation.judge import Person, judge_promises, judge_told
from tests.simulation.network import AFTER_THE_EFFECT, Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import come_back, sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["NO_CHANNELS", "late_look", "play", "second_run"]

NO_CHANNELS = {"FLAG_SMAREGI": "off", "FLAG_CRM": "off", "FLAG_EMAIL": "off"}
_MOMENTS = ("customerCreate", "customerByIdentifier", "customerUpdate", "nodes")


async def play(world: World) -> None:
    dice = world.dice
    world.settings |= NO_CHANNELS
    person = Person("p0@example.com", "090-1234-5678")
    await world.start()
    if dice.random() < 0.3:
        world.disk.stall, world.disk.stalled = (
            dice.choice((0.2, 0.8)),
            dice.choice((0.05, 1.0, 3.0)),
        )
    world.weather.rules += _rules(dice)
    names = dice.choice((("太郎",), ("太郎", "次郎")))
    async with asyncio.TaskGroup() as group:
        if dice.random() < 0.3:
            group.create_task(_full_disk(world))
        if dice.random() < 0.3:
            group.create_task(_kill(world))
        for number in range(dice.randint(2, 5)):
            group.create_task(_visit(world, person, number, names, Random(dice.random())))
    await at_rest(world)
    await come_back(world, person)
    await at_rest(world)
    judge_told(world, [person])
    await judge_promises(world, [person])


def _rules(dice: Random) -> list[Rule]:
    """What becomes of the first requests; then the weather is fine."""
    drawn: list[Callable[[Random], Fate]] = [_lost, _never, _late, _status, _slow, _broken]
    rules = [
        Rule("shopify", "customerCreate", dice.choice(drawn), dice.randint(1, 3)),
        Rule("shopify", "customerByIdentifier", dice.choice((_broken, _slow)), dice.randint(0, 6)),
        Rule("shopify", "customerByIdentifier", _slow, dice.randint(0, 6)),
        Rule("shopify", "nodes", _slow, dice.randint(1, 3)),
        Rule("shopify", "customerUpdate", dice.choice((_lost, _slow, _status)), 1),
        Rule("shopify", "customerCreate", _broken, dice.choice((0, 0, 4))),
    ]
    return [rule for rule in rules if dice.random() < 0.7]


def _lost(dice: Random) -> Fate:
    return Fate(dice.uniform(0.01, 0.3), 0.2, "cut")


def _never(dice: Random) -> Fate:
    return Fate(0.0, dice.uniform(0.01, 0.3), "cut", applied=False)


def _late(dice: Random) -> Fate:
    return Fate(dice.uniform(0.5, 9.0), dice.uniform(0.01, 0.3), "cut")


def _status(dice: Random) -> Fate:
    said = dice.choice((*AFTER_THE_EFFECT, 0))
    return Fate(0.05, 0.1, "status", status=said) if said else Fate(0.05, 0.1, "denied")


def _slow(dice: Random) -> Fate:
    effect = dice.uniform(0.0, 2.0)
    return Fate(effect, effect + dice.uniform(0.0, 6.0))


def _broken(dice: Random) -> Fate:
    return Fate(0.0, dice.uniform(0.01, 0.2), "broken", applied=False)


async def _visit(
    world: World, person: Person, number: int, names: tuple[str, ...], dice: Random
) -> None:
    """Also just while the gateway is asking Shopify something."""
    name = "太郎" if number == 0 else dice.choice(names)
    body = registration(email=person.email, phone=person.phone, first_name=name)
    key = f"form-{number}" if dice.random() < 0.5 else None
    for _ in range(dice.randint(1, 3)):
        if number:
            await asyncio.sleep(dice.choice((0.0, 0.1, 1.0, 4.0, 20.0)) * dice.random())
        if number and dice.random() < 0.5:
            await world.while_asked(dice.choice(_MOMENTS), 20.0)
            await asyncio.sleep(dice.choice((0.0, 0.3, 1.0)) * dice.random())
        reply = await sign_up(world, person, body, key=key, later=dice.random() < 0.3)
        if reply.status == 201:
            return


async def _full_disk(world: World) -> None:
    dice = world.dice
    await world.while_asked(dice.choice(_MOMENTS), 10.0)
    world.disk.full = True
    await asyncio.sleep(dice.choice((0.1, 1.0, 4.0)))
    world.disk.full = False


async def _kill(world: World) -> None:
    dice = world.dice
    await world.while_asked(dice.choice(_MOMENTS), 10.0)
    await asyncio.sleep(0.5 * dice.random())
    await world.restart()


async def second_run(world: World) -> None:
    """The same form again just as the first try ends, and once more while the second is at it."""
    dice = world.dice
    world.settings |= NO_CHANNELS
    world.disk.stall, world.disk.stalled = 1.0, dice.choice((0.2, 0.6))
    person = Person("p0@example.com", "090-1234-5678")
    body = registration(email=person.email, phone=person.phone)
    await world.start()
    await asyncio.sleep(5.0)
    world.weather.rules += [
        Rule("shopify", "customerCreate", _never),
        Rule("shopify", "customerByIdentifier", _broken, 2),
        Rule("shopify", "customerByIdentifier", lambda _: Fate(5.0, 7.0), dice.randint(1, 4)),
    ]
    async with asyncio.TaskGroup() as group:
        group.create_task(sign_up(world, person, body, key="the form"))
        await world.while_asked("customerByIdentifier", 10.0)
        await world.while_asked("customerByIdentifier", 10.0)
        await asyncio.sleep(dice.uniform(0.0, 1.0))
        group.create_task(sign_up(world, person, body, key=None))
        for _ in range(3):
            await asyncio.sleep(dice.uniform(0.5, 3.0))
            group.create_task(sign_up(world, person, body, key=None))
    await at_rest(world)
    await come_back(world, person)
    await at_rest(world)
    judge_told(world, [person])


async def late_look(world: World) -> None:
    """Recovery looks for a lost sign-up while the same person comes again; then somebody else."""
    dice = world.dice
    world.settings |= NO_CHANNELS
    person = Person("p0@example.com", "090-1234-5678")
    body = registration(email=person.email, phone=person.phone)
    await world.start()
    await asyncio.sleep(1.0)
    world.weather.rules += [
        Rule("shopify", "customerCreate", dice.choice((_lost, _late, _never))),
        Rule("shopify", "customerByIdentifier", _broken, 2),
        Rule("shopify", "customerByIdentifier", _slow, dice.randint(1, 2)),
    ]
    await sign_up(world, person, body, key=None)
    if dice.random() < 0.7:
        await world.while_asked("customerByIdentifier", 20.0)
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    await sign_up(world, person, body, key=None, later=dice.random() < 0.2)
    await asyncio.sleep(dice.uniform(0.0, 9.0))
    await sign_up(world, person, body | {"first_name": "次郎"}, key=None)
    await at_rest(world)
    await come_back(world, person)
    judge_told(world, [person])
    await judge_promises(world, [person])
