"""The long form of the crash test.

    python -m tests.crash [registrations] [kills] [seed] [--gateways N]

One gateway is on SQLite. Two or more are on a PostgreSQL of their own, and meet so many hardships
of all the kinds in `tests/crash/fleet/strikes.py`.

Prints its progress, what is wrong if anything is, and a table of counts. The gateways' files stay
where the first line says if something is wrong.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
import uvloop

from tests.crash.held import Verdict
from tests.crash.trial import Plan, trial

_OF_A_HARDSHIP = 14.0
"""Seconds that one takes on average, with what comes after it."""


def _tell(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {line}")


def _show(verdict: Verdict) -> None:
    for line in verdict.wrong:
        click.echo(line)
    for kind, count in verdict.counts.items():
        click.echo(f"{kind:<28}{count:>8}")


async def _run(plan: Plan) -> int:
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    _tell(
        f"{plan.registrations} registrations, {plan.kills} kills, seed {plan.seed}, "
        f"{plan.gateways} gateways; in {folder}"
    )
    verdict = await trial(plan, folder, _tell)
    _show(verdict)
    if not verdict.wrong:
        shutil.rmtree(folder)
    return int(bool(verdict.wrong))


@click.command(help=str(__doc__).replace("\n    python", "\n\b\n    python"))
@click.argument("registrations", type=int, default=10_000)
@click.argument("kills", type=int, default=150)
@click.argument("seed", type=int, default=1)
@click.option("--gateways", type=click.IntRange(1, 9), default=1)
def main(registrations: int, kills: int, seed: int, gateways: int) -> None:
    seconds = 0.0 if gateways == 1 else kills * _OF_A_HARDSHIP
    plan = Plan(
        registrations,
        kills,
        seed,
        concurrency=128,
        calm=300.0,
        gateways=gateways,
        seconds=seconds,
    )
    sys.exit(uvloop.run(_run(plan)))


if __name__ == "__main__":
    main()
