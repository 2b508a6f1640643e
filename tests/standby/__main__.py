"""How long a storefront waits when one gateway follows another, as real processes on a PostgreSQL.

    python -m tests.standby [times]

Hand-over: the active one is told to stop. Take-over: it is killed, as when its machine dies. Each
time a sign-up comes in the same moment, and asks one after the other until it is taken.
"""

import asyncio
import signal
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.standby.machines import Machines, machines


async def measured(found: Machines, how: signal.Signals, times: int, first: int) -> list[float]:
    seconds = []
    for number in range(times):
        active = await found.active()
        active.send(how)
        seconds.append(await found.register(first + number))
        await active.ended()
        del found.urls[active]
        await found.start()
    return seconds


async def main(times: int) -> None:
    with TemporaryDirectory() as folder:
        async with machines(Path(folder)) as found:
            await found.start()
            await found.start()
            for name, how, first in (
                ("hand-over", signal.SIGTERM, 100),
                ("take-over", signal.SIGKILL, 500),
            ):
                seconds = await measured(found, how, times, first)
                worst = max(seconds)
                print(f"{name}: median {median(seconds):.2f} s, worst {worst:.2f} s of {times}")
            made = len(found.sandbox.shopify.customers)
            assert made == 2 * times, f"{made} customers of {2 * times}"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
