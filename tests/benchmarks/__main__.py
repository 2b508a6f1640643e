"""What a registration costs here, beside a bare handler and what a shop would write instead.

    python -m tests.benchmarks [options]

Everybody takes the same sign-ups from the same load and sends the same five calls to stand-ins that
cost nothing, in turn, in rounds; the figures are medians of the rounds. Load, stand-ins and servers
are processes of their own. Nothing leaves loopback, but that npm and pip install what Node and
FastAPI need, once, into build/benchmarks. Read the ratios: the figures are those of this machine,
which should be doing nothing else. Linux only. Exit code 1 where a bar is not met.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks.bars import bars
from tests.benchmarks.children import Child, child
from tests.benchmarks.contestants import CONTESTANTS, Contestant
from tests.benchmarks.measuring import Running, Step, running
from tests.benchmarks.scenes import SCENES, Scene
from tests.benchmarks.table import Results, table

DELAYED = Step("20 ms each", 8, delay=0.02)
"""Every answer of the stand-ins takes 20 ms: what is added to that."""
STEADY = Step("30 a second", 1, rate=30.0)
"""Whatever the answers do: how long the channels that are well take beside one that hangs."""


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    registrations: int
    concurrency: list[int]
    scenes: list[str]
    only: list[str]
    quiet_lists: bool

    def steps(self, scene: Scene) -> list[Step]:
        closed = [Step(f"{many} at once", many) for many in sorted(self.concurrency)]
        if scene.modes:
            return [STEADY, *closed]
        return [*closed, STEADY, DELAYED] if scene.name == "healthy" else closed


def options(arguments: Sequence[str]) -> Options:
    usage = "python -m tests.benchmarks"
    parser = argparse.ArgumentParser(usage, description=(__doc__ or "").partition("\n")[0])
    names = [one.name for one in CONTESTANTS]
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--registrations", type=int, default=1000, help="each time; default: 1000")
    parser.add_argument(
        "--concurrency", type=_numbers, default="1,8,16,64,256", help="default: 1,8,16,64,256"
    )
    parser.add_argument("--scenes", type=_one_of(SCENES), default=",".join(SCENES))
    parser.add_argument("--only", type=_one_of(names), default=",".join(names))
    parser.add_argument(
        "--quiet-lists",
        action="store_true",
        help="Smaregi's list of changed members stays empty: what reading it costs",
    )
    return Options(**vars(parser.parse_args(arguments)))


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _one_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{unknown.pop()}: one of {', '.join(known)}")
        return names

    return read


async def main(asked: Options) -> bool:
    contestants = [one for one in CONTESTANTS if one.name in asked.only and await _is_here(one)]
    results = Results()
    async with child("tests.benchmarks.load") as load:
        for turn in range(asked.rounds):
            for name in asked.scenes:
                print(f"round {turn + 1} of {asked.rounds}: {name}", file=sys.stderr, flush=True)
                await _round(asked, SCENES[name], contestants, load, results)
    print(table(results))
    verdicts = list(bars(results))
    print("\n".join(str(verdict) for verdict in verdicts))
    return all(verdict.held is not False for verdict in verdicts)


async def _is_here(contestant: Contestant) -> bool:
    if reason := await contestant.prepare():
        print(f"{contestant.name} is left out: {reason}", file=sys.stderr)
    return not reason


async def _round(
    asked: Options,
    scene: Scene,
    contestants: Sequence[Contestant],
    load: Child,
    results: Results,
) -> None:
    """All are started, then measured in turn at each step."""
    async with AsyncExitStack() as stack:
        text = stack.enter_context(tempfile.TemporaryDirectory())
        team: list[Running] = []
        for one in [c for c in contestants if not scene.left_out(c)]:
            folder = Path(text) / one.name
            folder.mkdir()
            starting = running(one, scene, load, folder, quietly=asked.quiet_lists)
            team.append(await stack.enter_async_context(starting))
        for step in asked.steps(scene):
            for each in team:
                measured = await each.measure(step, asked.registrations)
                results.add(scene.name, step.name, each.contestant.name, measured)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(main(options(sys.argv[1:]))) else 1)
