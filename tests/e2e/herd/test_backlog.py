"""Thousands of deliveries wait, and the upstream comes back.

What the limits allow is computed from what the stand-in counted: requests over the limit's rate.
Judged by the stand-ins' journal and counters alone. It is a matter of seconds on a real clock, so
other tests beside it would fail it: `tests/simulation/test_herd.py` has the same in virtual time.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.http.upkeep import calm_collector
from gateway.sandbox import Fault, HubspotOptions, Sandbox, SandboxOptions, SmaregiOptions
from tests.e2e.evidence import started_quietly
from tests.e2e.herd.backlog import (
    Latencies,
    customers_in_shopify,
    first_write,
    last_write,
    put_aside,
    refusals,
)
from tests.world import World, a_world

SLOWER = 1.2
"""A live registration may take this many times an idle gateway's."""
LONGER = 1.1
"""The backlog may take this many times what the limits allow."""
RISING = 1.0
"""Seconds that a drain may take to reach its full rate, which a long one hardly notices."""


@dataclass(frozen=True, slots=True)
class Herd:
    """A backlog of `waiting` for `channel`, and the limits of that channel.

    `call`: seconds that each call to an upstream takes. `slack`: seconds that the machine may add
    to a registration, since gateway, stand-ins and other tests share its cores.
    """

    channel: str
    waiting: int
    call: float
    reads: int = 50
    writes: int = 20
    per_ten_seconds: int = 190
    slack: float = 0.15

    def options(self) -> SandboxOptions:
        return SandboxOptions(
            smaregi=SmaregiOptions(reads_per_second=self.reads, writes_per_second=self.writes),
            hubspot=HubspotOptions(per_ten_seconds=self.per_ten_seconds),
        )

    def settings(self) -> dict[str, str]:
        return {
            "SMAREGI_READS_PER_SECOND": str(self.reads),
            "SMAREGI_WRITES_PER_SECOND": str(self.writes),
        }

    def allowed(self, sandbox: Sandbox) -> float:
        """Seconds that the limits demand for all that was asked, live traffic included."""
        reads = len(sandbox.journal.reads(self.channel))
        writes = len(sandbox.journal.writes(self.channel))
        if self.channel == "crm":
            return (reads + writes) / self.per_ten_seconds * 10
        # The reads of looking for members that changed are our own choice: they excuse nothing.
        return max(writes / self.writes, writes / self.reads)


SOON = (
    Herd("smaregi", 360, 0.05),
    Herd("crm", 1500, 0.05, per_ten_seconds=1200),
)
"""What is gone soon: production's limits of Smaregi, and a raised one."""
AS_IN_PRODUCTION = (
    Herd("smaregi", 5000, 0.2, slack=0.02),
    Herd("crm", 5000, 0.2, slack=0.02),
)
"""To be run alone: here the machine is to add next to nothing."""


@asynccontextmanager
async def herded(herd: Herd, folder: Path) -> AsyncIterator[tuple[World, Latencies, list[float]]]:
    """A gateway whose backlog begins to drain now, an idle gateway's latencies, and the points
    of each call to Shopify that was throttled.
    """
    async with a_world(folder, herd.options(), **herd.settings()) as world:
        await started_quietly(world)
        for system in ("shopify", "smaregi", "crm", "email"):
            world.sandbox.delays[system] = herd.call
        idle = Latencies()
        await world.register(number=1)
        await idle.measure(world, range(10, 30), 0.05)
        await world.stop()
        waiting = customers_in_shopify(world.sandbox, herd.waiting)
        put_aside(world.file, herd.channel, waiting)
        world.sandbox.faults.set(herd.channel, Fault("refuse"))
        world.sandbox.journal.clear()
        refused = refusals(world.sandbox)
        await world.start()
        circuit = world.core.deliverer.routes[herd.channel].circuit
        await world.until(lambda: circuit.cause is not None)
        with unwalked():
            world.sandbox.faults.clear()
            await world.until(lambda: circuit.cause is None)
            yield world, idle, refused


@contextmanager
def unwalked() -> Iterator[None]:
    """The collector does as in `serve`: what is there is not looked through again. The stand-ins
    hold so much, in the gateway's own process, that looking through it makes calls late.
    """
    thresholds = gc.get_threshold()
    calm_collector()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def everybody(herd: Herd, sandbox: Sandbox) -> Callable[[], bool]:
    holds = sandbox.smaregi.members if herd.channel == "smaregi" else sandbox.hubspot.contacts
    return lambda: len(holds) >= len(sandbox.shopify.customers)


def limits_were_kept(herd: Herd, sandbox: Sandbox) -> None:
    assert sandbox.smaregi.peak_reads_per_second <= herd.reads
    assert sandbox.smaregi.peak_writes_per_second <= herd.writes
    assert sandbox.hubspot.peak_per_ten_seconds <= herd.per_ten_seconds
    assert [entry for entry in sandbox.journal if entry.status == 429] == []
    assert len(sandbox.journal.reads("shopify")) < herd.waiting / 10  # in batches


async def drains(herd: Herd, folder: Path, seconds: float) -> None:
    """Judged when everybody has arrived, or after `seconds` of it."""
    async with herded(herd, folder) as (world, idle, refused):
        sandbox, live = world.sandbox, Latencies()
        loop = asyncio.get_running_loop()
        until, done = loop.time() + seconds, everybody(herd, sandbox)
        await live.measure(world, range(100, 130), 0.1)
        assert not done(), "the backlog was gone before the live ones were measured"
        while not done() and loop.time() < until:
            await asyncio.sleep(0.05)
        took = last_write(sandbox, herd.channel) - first_write(sandbox, herd.channel)
        allowed = herd.allowed(sandbox)
        figures = f"{took:.1f} s, allowed {allowed:.1f} s; idle {idle}; live {live}"
        limits_were_kept(herd, sandbox)
        assert refused == []
        assert live.median <= idle.median * SLOWER + herd.slack, figures
        assert live.p90 <= idle.p90 * SLOWER + 2 * herd.slack, figures
        assert took <= allowed * LONGER + RISING, figures


@pytest.mark.long
@pytest.mark.parametrize("herd", SOON, ids=lambda herd: herd.channel)
async def test_a_herd_goes_as_fast_as_the_limits_allow(herd: Herd, tmp_path: Path) -> None:
    await drains(herd, tmp_path, 20)


@pytest.mark.long
@pytest.mark.timeout(2000)
@pytest.mark.parametrize("herd", AS_IN_PRODUCTION, ids=lambda herd: herd.channel)
async def test_a_herd_of_5000_is_gone_at_the_limits_of_production(
    herd: Herd, tmp_path: Path
) -> None:
    await drains(herd, tmp_path, 1800)


@pytest.mark.long
async def test_reading_the_herd_from_shopify_leaves_the_sign_ups_their_points(
    tmp_path: Path,
) -> None:
    """A small bucket, and a backlog that would like it all: never throttled, sign-ups unhurt."""
    herd = Herd("email", 600, 0.0)
    async with herded(herd, tmp_path) as (world, idle, refused):
        world.sandbox.shopify.bucket.drain(300)
        live = Latencies()
        await live.measure(world, range(100, 110), 0.1)
        async with asyncio.timeout(30):
            while len(world.sandbox.mail.messages) < herd.waiting:
                await asyncio.sleep(0.05)
        assert refused == []
        assert live.median <= idle.median * SLOWER + herd.slack
