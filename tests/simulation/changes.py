"""Scenario: customers change what they told, opt out and swap e-mails; channels come and go."""

import asyncio
from random import Random
from typing import Any

from tests.simulation import trouble
from tests.simulation.judge import Person, judge_records
from tests.simulation.network import Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

__all__ = ["given_up", "opting_out", "play"]


async def play(world: World) -> None:
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_SMAREGI": dice.choice(("on", "off"))}
    people = [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(2)]
    await world.start()
    world.subscribe()
    await _register(world, people[0], "p0@example.com")
    if dice.random() < 0.5:
        refused = Fate(0.0, 0.3, "status", applied=False, status=dice.choice((401, 503)))
        world.weather.rules.append(Rule("crm", "/contacts", lambda _: refused, dice.randint(1, 9)))
    async with asyncio.TaskGroup() as group:
        if dice.random() < 0.4:
            group.create_task(trouble.some(world, 4.0))
        group.create_task(_change(world, people[0], Random(dice.random())))
        group.create_task(_newcomer(world, people, Random(dice.random())))
        if dice.random() < 0.3:
            group.create_task(_flags(world, Random(dice.random())))
    world.set(FLAG_CRM="on", FLAG_UPDATES="on")
    await at_rest(world)
    judge_records(world)
    _judge_values(world)


async def _register(world: World, person: Person, email: str) -> None:
    body = registration(email=email, phone=person.phone, accepts_marketing=True)
    while (await sign_up(world, person, body, key=None)).status not in {201, 409}:
        await asyncio.sleep(1.0)


async def _change(world: World, person: Person, dice: Random) -> None:
    """Each change is sent until it is answered."""
    (customer,) = world.shopify.customers
    for number in range(dice.randint(1, 4)):
        change: dict[str, Any] = dice.choice(
            (
                {"last_name": f"佐藤{number}"},
                {"accepts_marketing": False},
                {"accepts_marketing": True},
                {"email": f"moved{number}@example.com"},
            )
        )
        if dice.random() < 0.4:
            await world.while_asked(dice.choice(("/contacts", "nodes", "customerUpdate")), 3.0)
        for _ in range(30):
            reply = await world.ask("PATCH", f"/v1/customers/{customer}", change)
            if reply.status == 200:
                break
            await asyncio.sleep(1.0)
        await asyncio.sleep(dice.choice((0.0, 0.2, 3.0)) * dice.random())


async def _newcomer(world: World, people: list[Person], dice: Random) -> None:
    """Somebody signs up with the e-mail that the first one had, once they have given it up."""
    for _ in range(dice.randint(5, 40)):
        await asyncio.sleep(0.2)
        if world.shopify.store.by_email("p0@example.com") is None:
            return await _register(world, people[1], "p0@example.com")
    return None


async def _flags(world: World, dice: Random) -> None:
    for _ in range(dice.randint(1, 3)):
        await asyncio.sleep(2.0 * dice.random())
        name = dice.choice(("FLAG_CRM", "FLAG_UPDATES"))
        world.set(**{name: dice.choice(("hold", "on", "on"))})


def _judge_values(world: World) -> None:
    """What each customer's record says is what Shopify has of them."""
    for customer in world.shopify.customers.values():
        number, wanted = str(customer.id), customer.consent.state == "SUBSCRIBED"
        for contact in world.hubspot.contacts.values():
            held = contact.properties
            if held.get("shopify_customer_id") != number or contact.archived:
                continue
            if (held["lastname"], held["email"]) != (customer.last_name, customer.email):
                world.find("stale", f"{number}: the contact is {held['lastname']} {held['email']}")
            if (held.get("accepts_marketing") == "true") != wanted:
                world.find("consent", f"{number}: the contact's is {held['accepts_marketing']}")
        member = world.smaregi.members.with_code(number)
        if member is not None and world.settings["FLAG_SMAREGI"] == "on":
            row = world.smaregi.members[member]
            if (row["lastName"], row["mailAddress"]) != (customer.last_name, customer.email):
                world.find("stale", f"{number}: the member is {row['lastName']}")
            if (row["mailReceiveFlag"] == "1") != wanted:
                world.find("consent", f"{number}: the member's is {row['mailReceiveFlag']}")


async def given_up(world: World) -> None:
    """Somebody signs up with an e-mail that another gave up, before HubSpot has heard of it."""
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_SMAREGI": "off"}
    first, second = (Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(2))
    await world.start()
    await _register(world, first, first.email)
    (customer,) = world.shopify.customers
    (contact,) = world.hubspot.contacts.values()
    held = dice.random() < 0.5
    if held:
        world.set(FLAG_UPDATES="hold")
    else:
        refused = Fate(0.0, 0.05, "status", applied=False, status=503)
        world.weather.rules.append(Rule("crm", "PATCH", lambda _: refused, dice.randint(1, 3)))
    await world.ask("PATCH", f"/v1/customers/{customer}", {"email": "moved@example.com"})
    if not held:
        await world.restart()
    await asyncio.sleep(dice.choice((0.0, 1.0, 8.0)) * dice.random())
    await _register(world, second, first.email)
    await asyncio.sleep(20.0 * dice.random())
    world.set(FLAG_UPDATES="on")
    await at_rest(world)
    judge_records(world)
    _judge_values(world)
    owner = contact.properties["shopify_customer_id"]
    if owner != str(customer):
        world.find("taken over", f"the contact of customer {customer} became {owner}'s")


async def opting_out(world: World) -> None:
    """A change was kept back by its flag and looked at; then the customer opts out of mail."""
    dice = world.dice
    world.settings |= {"FLAG_EMAIL": "off", "FLAG_SMAREGI": "off"}
    person = Person("p0@example.com", "090-1234-5678")
    await world.start()
    await _register(world, person, person.email)
    (customer,) = world.shopify.customers.values()
    await asyncio.sleep(1.0)
    refused = Fate(0.0, 0.05, "status", applied=False, status=503)
    world.weather.rules.append(Rule("crm", "PATCH", lambda _: refused, 1))
    await world.ask("PATCH", f"/v1/customers/{customer.id}", {"last_name": "佐藤"})
    world.set(**{dice.choice(("FLAG_CRM", "FLAG_UPDATES")): "hold"})
    await asyncio.sleep(5.0 * dice.random())
    world.subscribe()
    world.shopify.store.set_consent(customer, {"marketingState": "UNSUBSCRIBED"})
    await asyncio.sleep(20.0)
    (contact,) = world.hubspot.contacts.values()
    if contact.properties["accepts_marketing"] != "false":
        world.find("consent", "who opted out under a flag is not opted out in HubSpot")
