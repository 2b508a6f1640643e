"""Scenario: some people sign up, more than once and in a hurry, while everything fails."""

import asyncio
from random import Random
from typing import Any

from gateway.channels.crm.hubspot.mapping import OUR_PROPERTIES
from tests.simulation import trouble
from tests.simulation.judge import (
    Person,
    Told,
    judge_mails,
    judge_promises,
    judge_records,
    judge_told,
)
from tests.simulation.network import AFTER_THE_EFFECT, Fate
from tests.simulation.rest import at_rest
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["come_back", "made_property", "play", "sign_up"]

_NAMES = ("太郎", "次郎", "花子")


async def play(world: World) -> None:
    dice = world.dice
    people = [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(dice.randint(1, 3))]
    await world.start()
    seconds = dice.choice((2.0, 8.0, 25.0))
    async with asyncio.TaskGroup() as group:
        group.create_task(trouble.some(world, seconds))
        for person in people:
            for _ in range(dice.randint(1, 3)):
                group.create_task(_visit(world, person, Random(dice.random()), seconds))
    await at_rest(world)
    for person in people:
        await come_back(world, person)
    await at_rest(world)
    judge_told(world, people)
    await judge_promises(world, people)
    judge_records(world, people)
    judge_mails(world)


async def made_property(world: World) -> None:
    """HubSpot makes the properties of ours, and says something else of some."""
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_SMAREGI": "off"}
    person = Person("p0@example.com", "090-1000-5678")
    await world.start()
    said = Fate(0.01, 0.05, "status", status=dice.choice(AFTER_THE_EFFECT))
    world.weather.rules.append(Rule("crm", "POST /properties", lambda _: said, dice.randint(1, 5)))
    await come_back(world, person)
    await at_rest(world)
    for contact in world.hubspot.contacts.values():
        lacking = OUR_PROPERTIES.keys() - {n for n, value in contact.properties.items() if value}
        if lacking:
            world.find("left out", f"the contact lacks {sorted(lacking)}")
    judge_records(world)


async def _visit(world: World, person: Person, dice: Random, seconds: float) -> None:
    """One form: sent at some moment, repeated while it is not answered for good."""
    body = registration(email=person.email, phone=person.phone, first_name=dice.choice(_NAMES[:2]))
    key = f"form-{dice.getrandbits(32):x}" if dice.random() < 0.5 else None
    later = dice.random() < 0.25
    await asyncio.sleep(dice.uniform(0.0, seconds))
    for _ in range(dice.randint(1, 4)):
        reply = await sign_up(world, person, body, key=key, later=later)
        if reply.status in {201, 202, 422} and dice.random() < 0.7:
            return
        await asyncio.sleep(dice.choice((0.0, 0.05, 1.0, 5.0)) * dice.random())


async def come_back(world: World, person: Person) -> None:
    """In fine weather everybody gets an answer that is one."""
    names = [told.body["first_name"] for told in person.answers(201, 202, 503, 0)] or ["太郎"]
    body = registration(email=person.email, phone=person.phone, first_name=names[0])
    reply = await sign_up(world, person, body, key=f"the last form of {person.email}")
    taken = reply.status == 409 and reply.body["type"] == "already-registered"
    if reply.status != 201 and not taken:
        world.find("turned away", f"{person.email}: {reply.status} {reply.body}")


async def sign_up(
    world: World, person: Person, body: dict[str, Any], *, key: str | None, later: bool = False
) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    if later:
        headers["Prefer"] = "respond-async"
    world.say(f"{person.email} {body['first_name']} signs up, key {key}, later {later}")
    asked = world.monotonic()
    reply = await world.ask("POST", "/v1/registrations", body, headers)
    person.told.append(Told(body, key, later, reply, asked, world.monotonic()))
    return reply
