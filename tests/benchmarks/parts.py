"""Where a registration's processor time goes, by part.

    python -m tests.benchmarks.parts [registrations] [concurrency] [part]

Runs `serve` twice beside the benchmark's stand-ins and load: as it is, for the true total; and with
a clock of the processor's time that is switched from part to part, whenever a function of a room is
entered or left and at each step of a coroutine (`instrument/rooms.py` has the rooms). What has no
room of its own, libraries above all, is its caller's. Nothing is sampled: the parts of a thread add
up to what the thread took, and threads to the process. The clock itself costs something, the more
the oftener a part is entered; the difference to the true total says how much. With a part's name,
each of its functions is told apart. By default 1000 registrations, 16 at once. Linux only;
everything stays on loopback.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import uvloop

from tests.benchmarks.children import Child, child
from tests.benchmarks.contestants import CONTESTANTS, Contestant
from tests.benchmarks.instrument.clock import BASE
from tests.benchmarks.instrument.rooms import PARTS
from tests.benchmarks.measuring import Running, running
from tests.benchmarks.scenes import SCENES, Step, closed

_LEAST = 0.005
"""Milliseconds a registration; the parts below are one line together."""


@dataclass(frozen=True, slots=True)
class Part:
    """Milliseconds, and how often it was entered, a registration."""

    name: str
    spent: float
    times: float | None = None


def parts(counted: Mapping[str, Any], registrations: int) -> Iterator[Part]:
    """Thread by thread, the dearest part first; with a line for each thread's whole."""

    def part(name: str, spent: float, times: float | None = None) -> Part:
        each = None if times is None else times / registrations
        return Part(name, spent / 1e6 / registrations, each)

    def listed(spent: Mapping[str, int], times: Mapping[str, int]) -> Iterator[Part]:
        small, many = 0, 0
        for name, each in sorted(spent.items(), key=lambda pair: -pair[1]):
            if each / 1e6 / registrations < _LEAST:
                small, many = small + each, many + 1
            else:
                yield part(f"  {name}", each, None if name == BASE else times.get(name, 0))
        if many:
            yield part(f"  {many} smaller ones", small)

    yield part("thread of the event loop", counted["loop"])
    yield from listed(counted["spent"], counted["entered"])
    yield part("thread of the database", counted["database"])
    yield from listed(counted["units"], counted["ran"])
    rest = counted["database"] - sum(counted["units"].values())
    yield part("  between them: waking, handing over", rest)
    others = counted["process"] - counted["loop"] - counted["database"]
    yield part("other threads", others)
    yield part("the process", counted["process"])


def table(found: list[Part], true_total: float) -> str:
    whole = found[-1].spent
    lines = [f"{'ms of CPU a registration':56}{'ms':>8}{'%':>7}{'times':>8}"]
    for one in found:
        times = "" if one.times is None else f"{one.times:.2f}"
        lines.append(f"{one.name:56}{one.spent:8.3f}{100 * one.spent / whole:7.1f}{times:>8}")
    lines.append(f"{'without the clock':56}{true_total:8.3f}{100 * true_total / whole:7.1f}")
    return "\n".join(lines)


async def main(registrations: int, concurrency: int, apart: str) -> None:
    step, gateway = closed(concurrency), CONTESTANTS[0]
    async with child("tests.benchmarks.load") as load:
        with tempfile.TemporaryDirectory() as text:
            async with _started(gateway, load, Path(text)) as one:
                true_total = (await one.measure(step, registrations)).cpu
        with tempfile.TemporaryDirectory() as text:
            written = Path(text) / "parts.json"
            async with _started(_instrumented(gateway, written, apart), load, Path(text)) as one:
                counted = await _counted(one, step, registrations, written)
    print(f"{registrations} registrations, {concurrency} at once, all channels on and well\n")
    print(table(list(parts(counted, registrations)), true_total))


def _instrumented(gateway: Contestant, written: Path, apart: str) -> Contestant:
    command = (sys.executable, "-m", "tests.benchmarks.instrument.process")
    extra = {"BENCHMARK_PARTS": str(written), "BENCHMARK_APART": apart}
    return replace(gateway, command=command, extra=extra)


def _started(contestant: Contestant, load: Child, folder: Path) -> Any:
    return running(contestant, SCENES["healthy"], load, folder)


async def _counted(
    one: Running, step: Step, registrations: int, written: Path
) -> Mapping[str, Any]:
    os.kill(one.pid, signal.SIGUSR1)
    await asyncio.sleep(0.2)
    await one.measure(step, registrations)
    os.kill(one.pid, signal.SIGUSR2)
    async with asyncio.timeout(30):
        while not written.exists():
            await asyncio.sleep(0.05)
    counted: dict[str, Any] = orjson.loads(written.read_bytes())
    return counted


if __name__ == "__main__":
    count, at_once, told_apart = sys.argv[1:] + ["1000", "16", ""][len(sys.argv) - 1 :]
    if told_apart and told_apart not in PARTS.values():
        sys.exit(f"the parts are {', '.join(dict.fromkeys(PARTS.values()))}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(count), int(at_once), told_apart))
