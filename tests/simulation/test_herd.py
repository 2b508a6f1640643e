"""Hundreds of deliveries wait and the channel comes back: on the virtual clock, where what the
limits allow is exact, and the machine adds nothing. `tests/e2e/herd` is the same on a real one.
"""

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.store import outbox
from tests.simulation.network import Fate
from tests.simulation.runs import simulating
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

CALL = 0.05
"""Seconds that each call to an upstream takes."""
_A_TURN = 0.2
"""Seconds: four writes at Smaregi's rate, the backlog's before and the sign-up's own."""


@pytest.fixture(autouse=True, scope="module")
def _simulated() -> Iterator[None]:
    with simulating():
        yield


@dataclass(frozen=True)
class Drained:
    """Seconds: of each sign-up to an idle gateway, of each beside the backlog, and of it all."""

    idle: list[float]
    live: list[float]
    took: float
    asked: int
    throttled: int


async def signs_up(world: World, number: int) -> float:
    began = world.loop.time()
    body = registration(number)
    reply = await world.ask("POST", "/v1/registrations", body)
    assert (reply.status, reply.body["status"]) == (201, "complete"), reply.body
    return world.loop.time() - began


def owed(world: World, channel: str, count: int) -> None:
    """So many are in the shop and owed to the channel, as a gateway left it that has stopped."""
    new = [NewDelivery(channel, Kind.REGISTRATION, Outcome.PENDING)]
    for n in range(count):
        made = world.shopify.add_customer(
            email=f"herd{n}@example.com", lastName="山田", firstName="花"
        )
        outbox.add(world.disk.image, made.id, None, new, world.wall())


async def drain(world: World, channel: str, waiting: int) -> Drained:
    world.weather.pace = (CALL / 2, CALL / 2)
    await world.start()
    await signs_up(world, 1)
    idle = [await signs_up(world, n) for n in range(10, 20)]
    world.kill()
    owed(world, channel, waiting)
    refused = Rule(channel, "/", lambda _: Fate(0.0, 0.01, "refused", applied=False), 10**6)
    world.weather.rules.append(refused)
    gateway = await world.start()
    assert gateway.core is not None
    circuit = gateway.core.deliverer.routes[channel].circuit
    while circuit.cause is None:
        await asyncio.sleep(0.1)
    refused.times = 0
    while circuit.cause is not None:
        await asyncio.sleep(0.01)
    began, before = world.loop.time(), len(world.requests)
    live = []
    for number in range(100, 120):
        live.append(await signs_up(world, number))
        await asyncio.sleep(0.1)
    holds = world.smaregi.members if channel == "smaregi" else world.hubspot.contacts
    assert len(holds) < len(world.shopify.customers), "the backlog was gone before the live ones"
    while len(holds) < len(world.shopify.customers):
        await asyncio.sleep(0.05)
    asked = [each for each in world.requests[before:] if each.system == channel]
    throttled = [each for each in world.requests if each.status == 429]
    return Drained(idle, live, world.loop.time() - began, len(asked), len(throttled))


def judge(drained: Drained, allowed: float) -> None:
    """No call is throttled, sign-ups are as quick as ever, and the limits are made use of."""
    assert drained.throttled == 0
    assert statistics.median(drained.live) <= statistics.median(drained.idle) * 1.2
    assert statistics.quantiles(drained.live, n=10)[-1] <= max(drained.idle) + _A_TURN
    assert drained.took <= allowed * 1.1 + 1


def test_a_herd_goes_to_smaregi_as_fast_as_its_limits_allow() -> None:
    world = World("herd")
    drained = world.run(lambda world: drain(world, "smaregi", 300))
    assert world.smaregi.peak_writes_per_second <= 20
    assert world.smaregi.peak_reads_per_second <= 50
    judge(drained, 320 / 20)


def test_a_herd_goes_to_the_crm_as_fast_as_its_limits_allow() -> None:
    world = World("herd")
    drained = world.run(lambda world: drain(world, "crm", 300))
    assert world.hubspot.peak_per_ten_seconds <= 190
    judge(drained, drained.asked / 19)
