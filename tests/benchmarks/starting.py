"""How long somebody waits for the program itself: help, one normalized line, a gateway's start.

    python -m tests.benchmarks.starting [members]

`--help` of every command may take 0.3 s, `normalize` of one line 0.7, a gateway 1 s until it is
ready, on a database with so many members in its index; by default 20 000. Each is the best of three
runs, in seconds of the processor, so that a busy machine changes little about it; beside it the
seconds on the clock. Linux only; nothing leaves loopback.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import orjson
import uvloop

from gateway.cli import gateway
from gateway.sandbox import Sandbox
from tests.benchmarks.children import ROOT, cpu_seconds, free_port, serving

HELP, NORMALIZED, READY = 0.3, 0.7, 1.0
LINE = "東京都渋谷区道玄坂1-2-3"
TIMES = 3
PORT = free_port()


class Took(NamedTuple):
    """Seconds."""

    processor: float
    clock: float


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for name in group.list_commands(context):
                command = group.get_command(context, name)
                assert command is not None
                yield from commands(command, (*path, name))


def ran(arguments: tuple[str, ...], folder: Path, stdin: bytes = b"") -> Took:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    began, before = time.perf_counter(), os.times()
    command = [sys.executable, str(ROOT / "main.py"), *arguments]
    subprocess.run(
        command, cwd=folder, env=environment, input=stdin, capture_output=True, check=True
    )
    after, ended = os.times(), time.perf_counter()
    used = after.children_user + after.children_system
    return Took(used - before.children_user - before.children_system, ended - began)


async def indexed(settings: Mapping[str, str], folder: Path, count: int) -> None:
    """Until the gateway's first start has put so many members into its index."""
    async with serving(settings, folder, PORT):
        with closing(sqlite3.connect(folder / "gateway.db")) as db:
            while db.execute("SELECT count(*) FROM members").fetchone()[0] < count:
                await asyncio.sleep(0.5)


async def started(settings: Mapping[str, str], folder: Path) -> Took:
    """Until it says that it is ready."""
    began = time.perf_counter()
    async with serving(settings, folder, PORT) as one:
        return Took(cpu_seconds(one.pid), time.perf_counter() - began)


async def starts(folder: Path, count: int) -> list[Took]:
    async with Sandbox() as sandbox:
        sandbox.smaregi.fill(count)
        settings = sandbox.environment() | {"FLAG_SMAREGI": "on", "FLAG_CRM": "on"}
        await indexed(settings, folder, count)
        return [await started(settings, folder) for _ in range(TIMES)]


def told(name: str, bar: float, runs: Iterable[Took]) -> bool:
    """Whether the bar holds."""
    best = min(runs)
    held = best.processor <= bar
    figures = f"{best.processor:.2f} s of the processor, {best.clock:.2f} on the clock"
    print(f"{name}: {figures}, at most {bar:g}{'' if held else '  MISSED'}", flush=True)
    return held


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        helps = [
            told(" ".join((*path, "--help")), HELP, again(partial(ran, (*path, "--help"), folder)))
            for path in commands(gateway)
        ]
        line = partial(ran, ("normalize",), folder, orjson.dumps({"text": LINE}))
        normalized = told("normalize of a line", NORMALIZED, again(line))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            taken = runner.run(starts(folder, count))
        ready = told(f"start to ready, {count} members in the index", READY, taken)
    return 0 if all(helps) and normalized and ready else 1


def again(run: Callable[[], Took]) -> list[Took]:
    return [run() for _ in range(TIMES)]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 20_000))
