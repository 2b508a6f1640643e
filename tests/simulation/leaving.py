"""Scenario: customers are deleted and merged in Shopify, whose webhooks come late, twice, or mixed
up; some sign up again, some merges fail.
"""

import asyncio

from gateway.sandbox.shopify.session import MergeJob
from tests.simulation.judge import Person, judge_records
from tests.simulation.network import Fate
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.sync.webhooks.webhook import from_shopify
from tests.world import registration

__all__ = ["deleted", "failed_merge", "merged"]

_ALL_IS_FORGOTTEN = 11.0
"""Seconds after which a sign-up's customer is looked for again."""


async def _start(world: World) -> None:
    dice = world.dice
    on_delete = dice.choice(("withdraw", "unlink"))
    world.settings |= {"FLAG_EMAIL": "off", "SMAREGI_ON_DELETE": on_delete}
    world.hook_delay = (0.01, dice.choice((0.5, 5.0, 25.0)))
    world.hook_twice = dice.choice((0.0, 0.3))
    await world.start()
    world.subscribe()


async def _register(world: World, number: int) -> Person:
    person = Person(f"p{number}@example.com", f"090-1{number:03}-5678")
    body = registration(email=person.email, phone=person.phone)
    while (await sign_up(world, person, body, key=None)).status != 201:
        await asyncio.sleep(1.0)
    return person


async def deleted(world: World) -> None:
    """Whoever signs up again is somebody new, and a late deletion takes nothing from them."""
    dice = world.dice
    await _start(world)
    person = await _register(world, 0)
    await asyncio.sleep(_ALL_IS_FORGOTTEN + 5.0 * dice.random())
    (gone,) = world.shopify.customers
    world.shopify.delete_customer(gone)
    world.say(f"deleted {gone}")
    await asyncio.sleep(dice.choice((0.0, 1.0, 10.0)) * dice.random())
    if dice.random() < 0.3:
        world.weather.rough = {"crm": 0.3, "smaregi": 0.3}
    await _register(world, 0)
    await asyncio.sleep(3.0 * dice.random())
    await at_rest(world)
    if not world.shopify.customers:
        world.find("lost", f"{person.email} signed up again, and Shopify has nobody")
    judge_records(world)


async def merged(world: World) -> None:
    """What was owed to a customer is owed to the one they were merged into."""
    dice = world.dice
    away = Rule("crm", "/", lambda _: Fate(0.0, 0.01, "refused", applied=False), 10**6)
    world.weather.rules.append(away)
    await _start(world)
    await _register(world, 0)
    (gone,) = world.shopify.customers
    kept = world.shopify.add_customer(email="kept@example.com", firstName="花子", lastName="山田")
    await asyncio.sleep(dice.choice((1.0, 30.0)) * dice.random())
    world.shopify._merge(MergeJob("gid://shopify/Job/1", kept.id, gone))
    world.say(f"merged {gone} into {kept.id}")
    await asyncio.sleep(dice.choice((0.0, 2.0, 10.0)) * dice.random())
    away.times = 0
    await at_rest(world)
    number = str(kept.id)
    if world.smaregi.members.with_code(number) is None:
        world.find("lost", "the survivor of a merge is no member")
    if not any(
        each.properties.get("shopify_customer_id") == number and not each.archived
        for each in world.hubspot.contacts.values()
    ):
        world.find("lost", "what the merged customer was owed is owed to nobody")


async def failed_merge(world: World) -> None:
    """Two customers whose merge failed are two: nothing of one goes to the other."""
    dice = world.dice
    await _start(world)
    await _register(world, 0)
    await _register(world, 1)
    one, two = world.shopify.customers
    rich = world.smaregi.members.with_code(str(one)) or 0
    world.smaregi.give(rich, 4321)
    told = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{two}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{one}",
        "admin_graphql_api_job_id": "gid://shopify/Job/1",
        "status": dice.choice(("failed", "in_progress")),
    }
    _, headers = from_shopify("customers/merge", told, event_id=f"merge-{dice.random()}")
    await world.ask("POST", "/webhooks/shopify", told, headers)
    await asyncio.sleep(dice.choice((0.0, 3.0)) * dice.random())
    world.shopify.delete_customer(one)
    await at_rest(world)
    judge_records(world)
    pairs = world.disk.image.execute("SELECT reasons FROM duplicates").fetchall()
    if any("merged" in row[0] for row in pairs):
        world.find("merged", "two customers whose merge failed are put down as merged")
