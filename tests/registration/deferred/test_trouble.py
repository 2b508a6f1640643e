"""Promises under trouble: a process that dies, a full disk, a clock that jumps, a peak."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.registration.deferred import AT_ONCE
from gateway.sandbox import (
    Fault,
    HubspotOptions,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from tests.e2e.evidence import assert_problem, everything_arrived_once, rows_in, started_quietly
from tests.e2e.herd.backlog import Latencies
from tests.e2e.trouble.disk import Disk, sqlite_disk
from tests.e2e.trouble.ending import all_delivered
from tests.registration.deferred.conftest import SOON
from tests.registration.deferred.later import LATER, becomes, comes_back, later, state_of
from tests.world import World, a_world, registration

CREATE = "customerCreate"
DAY = 86400.0


async def test_one_that_dies_during_shopifys_call_is_looked_for_first(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **SOON | {"GATEWAY_UPSTREAM_TIMEOUT": "20"}) as world:
        await started_quietly(world)
        world.sandbox.faults.set("shopify", Fault("slow", delay=30, match=CREATE, times=1))
        reply = await later(world)
        await world.until(lambda: world.sandbox.shopify.customers)
        await world.stop()
        world.sandbox.faults.clear()
        await world.start()
        await becomes(world, reply, "complete")
        await all_delivered(world)
        assert everything_arrived_once(world)
        creates = [e for e in world.sandbox.journal.of("shopify", CREATE) if e.applied]
        assert len(creates) == 1


async def test_stopping_does_not_wait_for_what_waits_and_the_next_start_goes_on(
    quick: World,
) -> None:
    quick.sandbox.faults.set("shopify", Fault("hang"))
    replies = [await later(quick, number=number) for number in range(1, 12)]
    began = asyncio.get_running_loop().time()
    await quick.stop()
    assert asyncio.get_running_loop().time() - began < 5.0
    quick.sandbox.faults.clear()
    await quick.start()
    for reply in replies:
        await becomes(quick, reply, "complete")
    assert len(quick.sandbox.shopify.customers) == 11


class Clock:
    """The wall clock of whoever follows promises."""

    def __init__(self, world: World) -> None:
        self.ahead = 0.0
        world.core.live.clock = self

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY])
async def test_a_clock_that_jumps_ends_nothing_and_puts_nothing_off(
    quick: World, jump: float
) -> None:
    clock = Clock(quick)
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick)
    clock.ahead = jump
    failed = quick.core.deferred._circuit._failures
    await quick.until(lambda: quick.core.deferred._circuit._failures > failed)
    assert (await quick.get(reply.headers["Location"])).body["status"] == "accepted"
    quick.sandbox.faults.clear()
    await becomes(quick, reply, "complete")


async def test_what_is_answered_202_right_after_a_jump_is_due_at_once_and_moves_along(
    quick: World,
) -> None:
    clock, clock_jumps = Clock(quick), quick.core.delivery.clock_jumps
    await quick.core.deferred.stop()
    for _ in range(2):
        clock.ahead += DAY / 24
        await later(quick)
        await clock_jumps.follow()
        (next_try,) = await quick.core.db.read(
            lambda db: db.execute("SELECT next_try_at FROM registrations").fetchone()
        )
        assert next_try == pytest.approx(clock(), abs=4)


async def test_a_clock_set_back_while_nobody_looked_puts_nothing_off(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick)
    await quick.until(lambda: not quick.core.deferred._pump.running)
    await quick.core.db.write(
        lambda db: db.execute("UPDATE registrations SET next_try_at = next_try_at + 1e6")
    )
    await quick.restart()
    (again_at,) = await quick.core.db.read(
        lambda db: db.execute("SELECT next_try_at FROM registrations").fetchone()
    )
    assert again_at < time.time() + DAY
    await comes_back(quick)
    await becomes(quick, reply, "complete")


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[tuple[World, Disk]]:
    with sqlite_disk() as disk:
        async with a_world(tmp_path, None, **SOON) as world:
            await started_quietly(world)
            yield world, disk


async def test_a_full_disk_promises_nothing(on_disk: tuple[World, Disk]) -> None:
    world, disk = on_disk
    await world.core.db.checkpoint()
    disk.full = True
    assert_problem(await later(world), 503, "storage-unavailable")
    disk.full = False
    assert world.sandbox.shopify.customers == {}
    await becomes(world, await later(world), "complete")


async def test_a_disk_that_is_full_when_shopify_has_answered_loses_nothing(
    on_disk: tuple[World, Disk],
) -> None:
    world, disk = on_disk
    world.sandbox.delays["shopify"] = 0.3
    reply = await later(world)
    await world.until(lambda: world.core.deferred._pump.running)
    await world.core.db.checkpoint()
    disk.full = True
    await world.until(lambda: world.sandbox.shopify.customers)
    await world.until(lambda: not world.core.deferred._pump.running)
    assert (await world.get(reply.headers["Location"])).body["status"] == "accepted"
    disk.full = False
    await becomes(world, reply, "complete")
    await all_delivered(world)
    assert everything_arrived_once(world)


async def test_rejected_ones_go_after_the_retention(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email="taro@example.com", state="ENABLED")
    reply = await later(quick)
    await becomes(quick, reply, "rejected")
    await quick.core.housekeeping.expire_once()
    assert await state_of(quick, reply.body["id"]) == "rejected"
    await quick.core.db.write(
        lambda db: db.execute("UPDATE registrations SET created_at = created_at - 31 * 86400")
    )
    await quick.core.housekeeping.expire_once()
    assert await state_of(quick, reply.body["id"]) is None


async def test_after_shopifys_outage_they_go_in_order_of_arrival(quick: World) -> None:
    """The first to come have failed most often, and wait for longest."""
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    replies = []
    for number in range(1, 7):
        replies.append(await later(quick, number=number))
        await asyncio.sleep(0.01)

    def unit(db: Any) -> None:
        now = time.time()
        for tries, reply in enumerate(reversed(replies)):
            db.execute(
                "UPDATE registrations SET tries = ?, next_try_at = ? WHERE id = ?",
                (tries, now - 0.5 + tries * 100, reply.body["id"]),
            )

    await quick.until(lambda: not quick.core.deferred._pump.running)
    circuit = quick.core.deferred._circuit
    circuit._widest = 1  # of those under way at once any may be the first
    circuit._open(UpstreamError("shopify", "call", ErrorClass.CONNECTION, "down"), 60.0)
    await quick.core.db.write(unit)
    quick.sandbox.faults.clear()
    quick.core.runtime.listener.shopify_answered(None)
    for reply in replies:
        await becomes(quick, reply, "complete")
    came = sorted(quick.sandbox.shopify.customers.items())
    assert [customer.email for _, customer in came] == [f"taro{n}@example.com" for n in range(1, 7)]


# -- a peak


@dataclass(frozen=True, slots=True)
class Peak:
    """`people` at once, then `live` ones that somebody waits for; the limits that the shops have.

    `restore`: Shopify's points a second; `reads` and `writes` of Smaregi a second; `per_ten`: calls
    of HubSpot in ten seconds. `slack`: seconds that the machine may add to a registration, since
    gateway, stand-ins and other tests share its cores.
    """

    people: int
    live: int
    restore: int
    reads: int
    writes: int
    per_ten: int
    slack: float

    def options(self) -> SandboxOptions:
        return SandboxOptions(
            shopify=ShopifyOptions(restore=self.restore),
            smaregi=SmaregiOptions(reads_per_second=self.reads, writes_per_second=self.writes),
            hubspot=HubspotOptions(per_ten_seconds=self.per_ten),
        )

    def settings(self) -> dict[str, str]:
        return {
            "GATEWAY_RATE_LIMIT": "100000",
            "SMAREGI_READS_PER_SECOND": str(self.reads),
            "SMAREGI_WRITES_PER_SECOND": str(self.writes),
        }


async def goes_by(peak: Peak, folder: Path, seconds: float) -> None:
    """The live ones are as fast as before, and memory is bounded."""
    people, live = peak.people, peak.live
    async with a_world(folder, peak.options(), **peak.settings()) as world:
        await started_quietly(world)
        for system in ("shopify", "smaregi", "crm", "email"):
            world.sandbox.delays[system] = 0.3 if system == "shopify" else 0.05
        idle = Latencies()
        await idle.measure(world, range(100, 104), 0.02)
        before = len(asyncio.all_tasks())
        world.sandbox.faults.set("shopify", Fault("refuse"))
        await promised(world, people)
        assert len(asyncio.all_tasks()) < before + 90, "not a task for each"  # 50 connections
        world.sandbox.faults.clear()
        await comes_back(world)
        running = world.core.deferred._pump.running
        await world.until(lambda: len(running) > 1)
        during = Latencies()
        await during.measure(world, range(200, 200 + live), 0.02)
        assert await rows_in(world, "intents") > 0, "it was over before the live ones"
        assert len(running) <= AT_ONCE
        await world.until(
            lambda: len(world.sandbox.shopify.customers) >= people + 4 + live, seconds
        )
        assert len(world.sandbox.shopify.customers) == people + 4 + live
        figures = f"idle {idle}; during {during}"
        assert during.median <= idle.median * 1.2 + peak.slack, figures
        await all_delivered(world, seconds)
        assert len(world.sandbox.smaregi.members) == people + 4 + live


async def promised(world: World, people: int) -> None:
    """Sign-ups of so many, 50 at a time."""
    waiting = iter(range(1, people + 1))

    async def storefront() -> None:
        for number in waiting:
            body = registration(email=f"peak{number}@example.com", phone=None)
            assert (await world.register(body, headers=LATER)).status == 202

    await asyncio.gather(*(storefront() for _ in range(50)))


@pytest.mark.long
async def test_a_peak_leaves_the_live_ones_their_pace(tmp_path: Path) -> None:
    await goes_by(
        Peak(60, 2, restore=1000, reads=200, writes=100, per_ten=1500, slack=0.5), tmp_path, 30
    )


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_peak_of_2000_at_the_limits_of_production(tmp_path: Path) -> None:
    await goes_by(
        Peak(2000, 40, restore=100, reads=50, writes=20, per_ten=190, slack=0.15), tmp_path, 500
    )
