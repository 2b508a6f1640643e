"""How long a storefront waits beyond the upstream systems' own time, on a virtual clock.

    python -m tests.benchmarks.waiting [sign-ups]

On the simulation's clock neither processor nor disk takes time, however busy this machine is. Every
call to a system takes 20 ms, so nobody can answer before 60 ms: Shopify's create, then Smaregi's
look-up and create. What comes on top is waiting that the gateway chose: for a turn, for a rate, for
what it shares. The systems set no limit here. By default 200 sign-ups at each concurrency.

Last, 30 sign-ups a second beside a CRM that never answers, and beside one that does: how long after
Shopify Smaregi and the mailbox have somebody. Their p99 may be 1.1 times as long.
"""

import asyncio
import statistics
import sys
from functools import partial
from typing import Any
from unittest import mock

from tests.benchmarks.unlimited import unlimited
from tests.simulation import world as simulated
from tests.simulation.network import Fate
from tests.simulation.runs import simulating
from tests.simulation.weather import Rule
from tests.simulation.world import World
from tests.world import registration

CALL = 0.020
SHORTEST = 3 * CALL
AT_ONCE = (1, 2, 8, 16, 64)
RATE, SLOWER = 30.0, 1.1
_RATES = {"SMAREGI_READS_PER_SECOND": "1000", "SMAREGI_WRITES_PER_SECOND": "1000"}


async def sign_ups(world: World, at_once: int, count: int) -> list[float]:
    """Seconds of each."""
    world.weather.pace, world.disk.seconds = (CALL / 2, CALL / 2), (0.0, 0.0)
    await world.start()
    await _signs_up(world, 1)
    await asyncio.sleep(5.0)
    numbers, taken = iter(range(10, 10 + count)), list[float]()

    async def one() -> None:
        for number in numbers:
            taken.append(await _signs_up(world, number))

    await asyncio.gather(*(one() for _ in range(at_once)))
    return taken


async def others(world: World, *, hanging: bool, count: int) -> list[float]:
    """Seconds from Shopify's create until Smaregi, and the mailbox, had each of them."""
    world.weather.pace, world.disk.seconds = (CALL / 2, CALL / 2), (0.0, 0.0)
    await world.start()
    await _signs_up(world, 1)
    await asyncio.sleep(5.0)
    if hanging:
        silence = Fate(CALL / 2, None, "cut", applied=False)
        world.weather.rules.append(Rule("crm", "", lambda _: silence, times=1_000_000))
    seen, mailed = len(world.requests), len(world.post.messages)
    signing_up = []
    for number in range(10, 10 + count):
        signing_up.append(asyncio.create_task(_asked(world, number)))
        await asyncio.sleep(1 / RATE)
    await asyncio.gather(*signing_up)
    began = {
        world.shopify.customers[int(one.target.rpartition("/")[2])].email: one.time
        for one in world.requests[seen:]
        if one.what.operation == "customerCreate" and one.target
    }
    had = [
        (world.smaregi.members[int(one.target)]["mailAddress"], one.time)
        for one in world.requests[seen:]
        if one.what.operation == "POST /customers" and one.target
    ]
    had += [(mail.recipients[0], mail.time) for mail in world.post.messages[mailed:]]
    assert len(began) == count
    assert len(had) == 2 * count
    return [at - began[email] for email, at in had]


async def _asked(world: World, number: int) -> Any:
    email, phone = f"person{number}@example.com", f"090-1000-{number:04}"
    body = registration(email=email, phone=phone)
    reply = await world.ask("POST", "/v1/registrations", body)
    assert reply.status == 201, reply.body
    return reply.body


async def _signs_up(world: World, number: int) -> float:
    began = world.loop.time()
    body = await _asked(world, number)
    assert body["status"] == "complete", body
    return world.loop.time() - began


def main(count: int) -> int:
    limits = unlimited()
    print("at once   p50 added   p99 added   (ms)")
    with (
        simulating(),
        mock.patch.object(simulated, "SmaregiOptions", return_value=limits.smaregi),
        mock.patch.object(simulated, "HubspotOptions", return_value=limits.hubspot),
    ):
        for at_once in AT_ONCE:
            world = World("waiting", _RATES)
            taken = world.run(partial(sign_ups, at_once=at_once, count=count))
            added = [round(1000 * (one - SHORTEST), 3) + 0.0 for one in taken]
            p99 = statistics.quantiles(added, n=100)[-1]
            print(f"{at_once:7}   {statistics.median(added):9.1f}   {p99:9.1f}", flush=True)
        well, beside = (_p99_of_others(count, hanging=hanging) for hanging in (False, True))
    print(f"\nthe other channels' p99: {well:.1f} ms, beside a CRM that hangs {beside:.1f}")
    return 0 if beside <= SLOWER * well else 1


def _p99_of_others(count: int, *, hanging: bool) -> float:
    """Milliseconds."""
    taken = World("waiting", _RATES).run(partial(others, hanging=hanging, count=count))
    return 1000 * statistics.quantiles(taken, n=100)[-1]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
