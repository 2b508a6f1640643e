"""What a backlog costs everybody else: sign-ups beside it, and how long a unit holds the database.

    python -m tests.benchmarks.backlog [waiting] [sign-ups] [part of a scene's name]

For each outcome so many deliveries are put into the outbox; as many promised sign-ups beside those
that failed, and webhooks that wait, or failed, beside those that are tried again, or held. Sign-ups
go one after the other, before and beside them: their p99 may be 1.5 times as long. Then what
touches all of them, or looks through them, is done while sign-ups go on, some of it by ten commands
at once: no unit of work may hold the database for more than 20 ms, and no turn of the event loop
take more than 50. Those times are of the processor, so that a busy machine changes little about
them. Gateway, stand-ins and load are one process; nothing leaves loopback.
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from gateway.delivery import ReplayOptions
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import DeliveryFilter, Outcome, Waiting
from gateway.registration.recovery import Recovery
from gateway.store import backfill, deferred, events, retention, search
from gateway.store.database import _Connection
from gateway.store.outbox import FIRST, Spot
from tests.benchmarks.backlog_rows import FAR, OPEN, SCENES, Scene, put_aside
from tests.benchmarks.unlimited import unlimited
from tests.e2e.evidence import started_quietly
from tests.e2e.herd.test_backlog import unwalked
from tests.world import World, a_world, registration

SLOWER, LONGEST, LONGEST_TURN = 1.5, 0.020, 0.050
COMMANDS = 10


@contextmanager
def watched() -> Iterator[list[float]]:
    """Seconds of the processor that each unit, or group of units, took in the database's thread."""
    run, held = _Connection.run, list[float]()

    async def timed(self: _Connection, unit: Callable[[sqlite3.Connection], Any]) -> Any:
        def unit_and_time(connection: sqlite3.Connection) -> Any:
            began = time.thread_time()
            try:
                return unit(connection)
            finally:
                held.append(time.thread_time() - began)

        return await run(self, unit_and_time)

    _Connection.run = timed  # type: ignore[method-assign]
    try:
        yield held
    finally:
        _Connection.run = run  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class SignUps:
    """Seconds: of the 99th of a hundred; of the processor, each; of the longest unit meanwhile."""

    p99: float
    cpu: float
    unit: float

    def __str__(self) -> str:
        p99, cpu, unit = (1000 * each for each in (self.p99, self.cpu, self.unit))
        return f"p99 {p99:.1f} ms (processor {cpu:.1f} ms each, longest unit {unit:.1f} ms)"


async def measured(world: World, first: int, count: int) -> SignUps:
    with unwalked(), watched() as held:
        began = time.process_time()
        p99 = await sign_ups(world, first, count)
        return SignUps(p99, (time.process_time() - began) / count, max(held))


async def sign_ups(world: World, first: int, count: int) -> float:
    """The p99, in seconds."""
    taken = []
    for number in range(first, first + count):
        body = registration(email=f"person{number}@example.com", phone=None)
        began = time.perf_counter()
        reply = await world.register(body)
        taken.append(time.perf_counter() - began)
        assert reply.body["status"] == "complete", reply.body
    return statistics.quantiles(taken, n=100)[-1]


@contextmanager
def turning() -> Iterator[list[float]]:
    """Seconds of the processor that the loop's thread took between two looks at its timers."""
    seen = [0.0]

    async def look() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            seen.append(time.thread_time() - before)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()


async def beside(world: World, work: Awaitable[Any], first: int) -> tuple[float, float]:
    """The longest unit, and turn of the loop, while the work is done and people sign up."""
    with watched() as held, turning() as seen:
        doing = asyncio.ensure_future(work)
        while not doing.done():
            await sign_ups(world, first, 2)
            first += 2
        await doing
    return max(held), max(seen)


async def jumped(world: World) -> None:
    clock_jumps = world.core.delivery.clock_jumps
    clock_jumps._offset -= 3600.0
    await clock_jumps.follow()


async def brought_forward(world: World) -> None:
    """As for those whom Shopify's end of an outage makes due; they are none of this gateway's."""
    now = time.time()
    while await world.core.db.write(partial(deferred.bring_forward, now=now)):
        pass


async def rehearsed(world: World) -> None:
    options = ReplayOptions(DeliveryFilter(channels=("crm",)), dry_run=True)
    async for _ in world.core.replay.run(options):
        pass


async def all_at_once(world: World, chosen: DeliveryFilter) -> None:
    """Several commands, and whoever looks at the metrics and the console."""
    find, db = partial(search.find, world.core.db, chosen, limit=1000), world.core.db
    looks = [look() for _ in range(COMMANDS) for look in (partial(rehearsed, world), find)]
    counts = [search.count(db, chosen) for _ in range(COMMANDS)]
    await asyncio.gather(*looks, *counts, metrics(world))


async def leftovers(world: World) -> None:
    after: Spot | None = FIRST
    while after is not None:
        look = partial(backfill.leftovers, channel="crm", after=after, limit=50, now=time.time())
        _, after = await world.core.db.read(look)


async def metrics(world: World) -> None:
    world.core.exposition._fresh_until = 0.0
    await world.core.exposition.text()


async def retained(world: World) -> None:
    """All that is settled is old."""
    now = time.time() + 60 * FAR
    await retention.expire(world.core.db.write, now - FAR, now)


async def started(world: World) -> float:
    """The longest unit of taking over what the owner before left; nobody is served meanwhile."""
    take_over, longest = Recovery.take_over, 0.0

    async def timed(self: Recovery) -> None:
        nonlocal longest
        with watched() as held:
            await take_over(self)
        longest = max(held)

    Recovery.take_over = timed  # type: ignore[method-assign]
    try:
        await world.start()
    finally:
        Recovery.take_over = take_over  # type: ignore[method-assign]
    return longest


async def flags_change(world: World) -> None:
    world.set(FLAG_EMAIL_PERCENT="100")
    await asyncio.sleep(0.2)
    while world.core.worker._sweep.is_set():
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)


def works(world: World, scene: Scene) -> dict[str, Callable[[], Awaitable[Any]]]:
    everything = DeliveryFilter(channels=("crm",), outcomes=(Outcome(scene[1]),))
    core = world.core
    few = DeliveryFilter(error_classes=(ErrorClass.CONFLICT,))
    common: dict[str, Callable[[], Awaitable[Any]]] = {
        "listing the newest": partial(search.find, core.db, everything, limit=1000),
        "listing what few are": partial(search.find, core.db, few, limit=50),
        "counting all": partial(search.count, core.db, everything),
        "a replay of all, rehearsed": partial(rehearsed, world),
        "what a backfill left": partial(leftovers, world),
        "/metrics": partial(metrics, world),
        "webhooks that are due": partial(
            core.db.read, partial(events.due, source="shopify", now=time.time(), limit=200)
        ),
        "a clock jump": partial(jumped, world),
        "a change of flags": partial(flags_change, world),
    }
    common[f"{COMMANDS} commands at once"] = partial(all_at_once, world, everything)
    if scene[1] not in OPEN:
        return common | {"retention": partial(retained, world)}
    if scene[2] is not None:
        common["reopening"] = partial(world.core.deliverer.wake, Waiting.CHANNEL, "crm")
    if scene[1] == "failed":
        common["bringing forward"] = partial(brought_forward, world)
    common["discarding all"] = partial(world.core.discard_all, everything)
    return common | {"retention": partial(retained, world)}


async def marked(world: World) -> None:
    """Until the worker has looked at all that is due."""

    def left(db: sqlite3.Connection) -> int:
        sql = """SELECT count(*) FROM deliveries
                 WHERE channel = 'crm' AND outcome = 'pending' AND kept_back = 0"""
        return int(db.execute(sql).fetchone()[0])

    async with asyncio.timeout(120):
        while await world.core.db.read(left):
            await asyncio.sleep(0.5)


async def measure(scene: Scene, waiting: int, count: int) -> bool:
    """Whether both bars hold."""
    with tempfile.TemporaryDirectory() as folder:
        limits = {"GATEWAY_RATE_LIMIT": "1000000", "SMAREGI_READS_PER_SECOND": "1000"}
        limits |= {"SMAREGI_WRITES_PER_SECOND": "1000", "FLAG_UPDATES": "hold"}
        async with a_world(Path(folder), unlimited(), **limits) as world:
            await started_quietly(world)
            await sign_ups(world, 0, 20)
            idle = await measured(world, 20, count)
            await world.stop()
            put_aside(world.file, scene, waiting)
            taking_over = await started(world)
            down = UpstreamError("shopify", "call", ErrorClass.CONNECTION, "down")
            world.core.deferred._circuit._open(down, 3600.0)
            await world.core.deferred.stop()
            await started_quietly(world)
            await marked(world)
            await sign_ups(world, 10_000, 20)
            during = await measured(world, 10_020, count)
            fine = during.p99 <= idle.p99 * SLOWER
            slow = "" if fine else "  TOO SLOW"
            print(f"{waiting} {scene[0]}: sign-ups' {during}, idle {idle}{slow}", flush=True)
            fine = _told("taking over at the start", taking_over) and fine
            fine = _told("beside sign-ups alone", during.unit) and fine
            for number, (name, work) in enumerate(works(world, scene).items()):
                with unwalked():
                    longest, turn = await beside(world, work(), 20_000 + number * 5000)
                fine = _told(name, longest, turn) and fine
    return fine


def _told(name: str, longest: float, turn: float = 0.0) -> bool:
    """Whether the bars hold."""
    fine = longest <= LONGEST and turn <= LONGEST_TURN
    turned = f", longest turn of the loop {turn * 1000:.1f} ms" if turn else ""
    print(
        f"    {name}: longest unit {longest * 1000:.1f} ms{turned}{'' if fine else '  TOO LONG'}",
        flush=True,
    )
    return fine


async def main(waiting: int, count: int, names: Sequence[str]) -> int:
    scenes = [s for s in SCENES if not names or any(name in s[0] for name in names)]
    held = [await measure(scene, waiting, count) for scene in scenes]
    return 0 if all(held) else 1


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:3]] + [100_000, 200][len(sys.argv[1:3]) :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(numbers[0], numbers[1], sys.argv[3:])))
