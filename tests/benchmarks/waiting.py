"""How long a storefront waits beyond the upstream systems' own time, on a virtual clock.

    python -m tests.benchmarks.waiting [sign-ups]

On the simulation's clock neither processor nor disk takes time, however busy this machine is. Every
call to a system takes 20 ms, so nobody can answer before 60 ms: Shopify's create, then Smaregi's
look-up and create. What comes on top is waiting that the gateway chose: for a turn, for a rate, for
what it shares. The systems set no limit here. By default 200 sign-ups at each concurrency.
"""

import asyncio
import statistics
import sys
from functools import partial
from unittest import mock

from tests.benchmarks.unlimited import unlimited
from tests.simulation import world as simulated
from tests.simulation.runs import simulating
from tests.simulation.world import World
from tests.world import registration

CALL = 0.020
SHORTEST = 3 * CALL
AT_ONCE = (1, 2, 8, 16, 64)
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


async def _signs_up(world: World, number: int) -> float:
    began = world.loop.time()
    email, phone = f"person{number}@example.com", f"090-1000-{number:04}"
    body = registration(email=email, phone=phone)
    reply = await world.ask("POST", "/v1/registrations", body)
    assert (reply.status, reply.body["status"]) == (201, "complete"), reply.body
    return world.loop.time() - began


def main(count: int) -> None:
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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
