"""One measurement: so many sign-ups through somebody who runs, and what that took."""

import statistics
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.children import (
    Child,
    child,
    cpu_seconds,
    free_port,
    peak_mib,
    process,
    quiet,
    ready,
)
from tests.benchmarks.contestants import Contestant, environment
from tests.benchmarks.load import Load
from tests.benchmarks.scenes import Scene, Step

__all__ = ["Measured", "Running", "ratio", "running"]

_WARM_UP = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """`cpu`: milliseconds of the processor a sign-up; `peak`: MiB, up to then; times: milliseconds.

    `failed`: sign-ups that were not answered 201. `members`, `mails`: p99 from Shopify's answer
    until Smaregi had the customer, or the mail server the mail. `added`: p50 less what the
    stand-ins held back of a bare handler: Shopify's create, then Smaregi's look-up and create. The
    gateway looks up nobody who is new, and may save more than it adds.
    """

    per_second: float
    cpu: float
    p50: float
    p99: float
    peak: float
    failed: int
    members: float
    mails: float
    added: float


class Running:
    """A contestant that runs, with stand-ins of its own."""

    def __init__(self, contestant: Contestant, scene: Scene, standins: Child, load: Child) -> None:
        self.contestant = contestant
        self._scene = scene
        self._standins = standins
        self._load = load
        self._sent = 0
        self.pid = 0
        self.port = 0

    async def measure(self, step: Step, most: int) -> Measured:
        count = min(most, step.most)
        await self._standins.ask(modes=self._scene.modes, delay=step.delay)
        await self._standins.ask(count=True)
        before = cpu_seconds(self.pid)
        timed = await self.send(count, step.concurrency, step.rate)
        cpu = cpu_seconds(self.pid) - before
        failed = sum(timed["others"].values())
        counted = await self._counted(failed)
        taken = timed["taken"] or [float("inf")]
        p50, after = 1000 * statistics.median(taken), counted["after"]
        return Measured(
            per_second=count / timed["elapsed"],
            cpu=1000 * cpu / count,
            p50=p50,
            p99=_p99(taken),
            peak=peak_mib(self.pid),
            failed=failed,
            members=_p99(after.get("smaregi", [])),
            mails=_p99(after.get("email", [])),
            added=p50 - _held_back(counted["waited"]),
        )

    async def send(self, count: int, concurrency: int, rate: float = 0.0) -> dict[str, Any]:
        """Everybody gets the same people, in the same order."""
        load = Load(self.port, self._sent + 1, count, concurrency, rate)
        self._sent += count
        return await self._load.ask(**asdict(load))

    async def _counted(self, failed: int) -> dict[str, Any]:
        """What the stand-ins saw; it must be all that was asked for, and nothing unknown."""
        counted = await self._standins.ask(count=True)
        if counted["unforeseen"]:
            raise RuntimeError(f"the stand-ins have no answer for {counted['unforeseen']}")
        for name, owed in self._scene.owed(self._sent).items():
            if not failed and counted[name] < owed:
                raise RuntimeError(
                    f"{self.contestant.name}: {counted[name]} {name} for {owed} sign-ups"
                )
        return counted


def ratio(one: float, other: float) -> float | None:
    """None where the other was too little to be measured: the processor's clock has ticks."""
    return one / other if other else None


def _p99(taken: list[float]) -> float:
    """Milliseconds; 0 where nothing was timed."""
    return 1000 * statistics.quantiles(taken, n=100)[-1] if len(taken) > 1 else 0.0


def _held_back(waited: Mapping[str, list[float]]) -> float:
    """Milliseconds, by the timers' own account: they are a little late on a busy machine."""
    typical = {system: statistics.median(each) for system, each in waited.items() if each}
    return 1000 * (typical.get("shopify", 0.0) + 2 * typical.get("smaregi", 0.0))


@asynccontextmanager
async def running(
    contestant: Contestant, scene: Scene, load: Child, folder: Path
) -> AsyncIterator[Running]:
    """Started, warm and at rest; the scene's troubles begin with the first measurement."""
    async with AsyncExitStack() as stack:
        standins = await stack.enter_async_context(child("tests.benchmarks.canned.process"))
        ports = (await standins.ask(start=True, lists_grow=scene.lists_grow))["ports"]
        one = Running(contestant, scene, standins, load)
        one.port = free_port()
        log = stack.enter_context((folder / f"{contestant.name}.log").open("wb"))
        variables = environment(contestant, ports, one.port, scene.flags)
        started = process(list(contestant.command), variables, folder, stdout=log, stderr=log)
        server = await stack.enter_async_context(started)
        one.pid = server.pid
        await ready(server, one.port, folder / f"{contestant.name}.log")
        await _warm_up(one, folder / f"{contestant.name}.log")
        await quiet(one.pid)
        yield one


async def _warm_up(one: Running, log: Path) -> None:
    others = (await one.send(_WARM_UP, 4))["others"]
    if others:
        last = (log.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise RuntimeError(f"{one.contestant.name} answers {others}, not 201: {last}")
