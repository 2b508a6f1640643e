"""Many more people sign up at once than Shopify's plan allows, on the virtual clock.

`python -m tests.benchmarks.campaign` is the same with a thousand people on a real one.
"""

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from gateway.sandbox.shopify.cost import Bucket
from tests.benchmarks.campaign import BUCKET, LATER, RESTORE, Answered, Campaign, come
from tests.simulation.runs import simulating
from tests.simulation.world import World
from tests.world import registration

PEOPLE, WITHIN = 240, 1.2
"""As many a second as a thousand in five; most cannot be served while they wait."""


@pytest.fixture(autouse=True, scope="module")
def _simulated() -> Iterator[None]:
    with simulating():
        yield


def campaign(headers: Mapping[str, str]) -> Campaign:
    off = {"FLAG_SMAREGI": "off", "FLAG_CRM": "off", "FLAG_EMAIL": "off"}
    return World("campaign", off).run(lambda world: played(world, headers))


async def played(world: World, headers: Mapping[str, str]) -> Campaign:
    shop, now = world.shopify, world.loop.time
    world.weather.pace = (0.05, 0.15)
    shop.bucket = Bucket(BUCKET, RESTORE, unlimited=False, clock=world.wall)
    numbers = {registration(n + 1)["email"]: n for n in range(PEOPLE)}

    async def ask(number: int, headers: Mapping[str, str]) -> Answered:
        body = registration(number + 1, phone=None)
        reply = await world.ask("POST", "/v1/registrations", body, headers)
        return Answered(reply.status, reply.headers or {})

    await world.start()
    await asyncio.sleep(60)
    spent, began = shop.bucket.spent, now()
    people = await come(ask, now, people=PEOPLE, within=WITHIN, headers=headers)
    while len(shop.customers) < PEOPLE:
        await asyncio.sleep(0.05)
    served = [numbers[customer.email] for customer in shop.customers.values()]
    return Campaign(people, served, now() - began, shop.bucket.spent - spent)


def test_whoever_is_told_to_come_back_is_served_then_and_before_those_who_came_later() -> None:
    seen = campaign({})
    assert {status for person in seen.people for status in person.answers} == {201, 503}
    assert (seen.unserved, seen.tries) == (0, 2), seen
    assert len(set(seen.served)) == PEOPLE
    assert seen.overtaken <= 0.2, seen
    assert seen.used >= 0.95, seen


def test_whoever_is_answered_later_is_served_in_order_of_arrival() -> None:
    seen = campaign(LATER)
    assert [person.answers for person in seen.people] == [[202]] * PEOPLE
    assert len(set(seen.served)) == PEOPLE
    assert seen.overtaken <= 0.2, seen
    # A quarter of the bucket stays free for those who wait for their answer.
    assert seen.spent >= 0.95 * (BUCKET * 0.75 + RESTORE * seen.seconds), seen
