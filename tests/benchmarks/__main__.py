"""What a registration costs here, beside a bare handler and what a shop would write instead.

    python -m tests.benchmarks [options]

Everybody takes the same sign-ups from the same load and sends the same five calls to stand-ins that
cost nothing, in turn, in rounds. The figures, in a table and a plot, are medians of the rounds.
Load, stand-ins and servers are processes of their own. Nothing leaves loopback, but that npm and
pip install what Node and FastAPI need, once, into build/benchmarks. Read the ratios: the figures
are those of this machine, which should be doing nothing else. Linux only. Exit code 1 where a bar
is not met.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks.bars import bars
from tests.benchmarks.children import ROOT, Child, child
from tests.benchmarks.contestants import CONTESTANTS, Contestant, under
from tests.benchmarks.measuring import Running, running
from tests.benchmarks.plot import plot
from tests.benchmarks.scenes import DELAYED, SCENES, STEADY, Scene, Step, closed
from tests.benchmarks.table import Results, table

PLOT = ROOT / "build" / "benchmarks" / "plot.svg"


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    registrations: int
    concurrency: list[int]
    scenes: list[str]
    only: list[str]
    python: list[str]
    plot: Path

    def told(self) -> str:
        return (
            f"{self.registrations} sign-ups a round, medians of {self.rounds}; "
            "stand-ins cost nothing; only the gateway validates, keeps, matches and tries again"
        )

    def steps(self, scene: Scene) -> list[Step]:
        """What is compared between scenes has the same steps before it."""
        crowds = [closed(many) for many in sorted(self.concurrency)]
        if scene.modes:
            return [STEADY, *crowds]
        return [STEADY, *crowds, DELAYED] if scene.name == "healthy" else crowds


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
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="the gateway in this Python too, of an environment in which it is installed",
    )
    parser.add_argument(
        "--plot", type=Path, default=PLOT, help=f"default: {PLOT.relative_to(ROOT)}"
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
    wanted = [one for one in CONTESTANTS if one.name in asked.only]
    contestants = [one for one in wanted if await _is_here(one)]
    contestants += [under(python) for python in asked.python]
    results = Results()
    async with child("tests.benchmarks.load") as load:
        for turn in range(asked.rounds):
            for name in asked.scenes:
                print(f"round {turn + 1} of {asked.rounds}: {name}", file=sys.stderr, flush=True)
                team = [one for one in contestants if not SCENES[name].left_out(one)]
                in_turn = [*team[turn % len(team) :], *team[: turn % len(team)]] if team else []
                await _round(asked, SCENES[name], in_turn, load, results)
    print(table(results))
    print("", *_left_out(asked, contestants), "", sep="\n")
    verdicts = list(bars(results))
    print("\n".join(str(verdict) for verdict in verdicts))
    asked.plot.parent.mkdir(parents=True, exist_ok=True)
    asked.plot.write_text(plot(results, asked.told()), "utf-8")
    print(f"\nplot: {asked.plot}")
    return all(verdict.held is not False for verdict in verdicts)


async def _is_here(contestant: Contestant) -> bool:
    if reason := await contestant.prepare():
        print(f"{contestant.name} is left out: {reason}", file=sys.stderr)
    return not reason


def _left_out(asked: Options, contestants: Sequence[Contestant]) -> Iterator[str]:
    for name in asked.scenes:
        for one in contestants:
            if reason := SCENES[name].left_out(one):
                yield f"{name}: without {one.name}, since {reason}"


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
        for one in contestants:
            folder = Path(text) / one.name
            folder.mkdir()
            starting = running(one, scene, load, folder)
            team.append(await stack.enter_async_context(starting))
        for step in asked.steps(scene):
            for each in team:
                if step is not STEADY or each.contestant.is_ours:
                    measured = await each.measure(step, asked.registrations)
                    results.add(scene.name, step, each.contestant.name, measured)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(main(options(sys.argv[1:]))) else 1)
