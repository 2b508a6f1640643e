"""How long a storefront waits when the systems take their time.

    python -m tests.benchmarks.latency [registrations]

Shopify takes 500 ms, Smaregi 800 ms in all, the CRM 400 ms, mail 300 ms: the sum would be 2.0 s,
the slowest way through is 1.3 s.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.world import a_world


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_world(Path(folder)) as world:
            await world.register(number=1)  # tokens, properties and connections are there
            delays = world.sandbox.delays
            delays["shopify"], delays["email"] = 0.5, 0.3
            delays.total("smaregi", 0.8)
            delays.total("crm", 0.4)
            taken = []
            for number in range(2, 2 + count):
                began = time.perf_counter()
                reply = await world.register(number=number)
                taken.append(time.perf_counter() - began)
                assert reply.body["status"] == "complete", reply.body
            print(
                f"{count} registrations: median {statistics.median(taken):.3f} s, "
                f"slowest {max(taken):.3f} s"
            )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
