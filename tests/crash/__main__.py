"""The long form of the crash test.

    python -m tests.crash [registrations] [kills] [seed]

Prints its progress, what is wrong if anything is, and a table of counts. The gateway's files stay
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


def _tell(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {line}")


def _show(verdict: Verdict) -> None:
    for line in verdict.wrong:
        click.echo(line)
    for kind, count in verdict.counts.items():
        click.echo(f"{kind:<28}{count:>8}")


async def _run(plan: Plan) -> int:
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    _tell(f"{plan.registrations} registrations, {plan.kills} kills, seed {plan.seed}; in {folder}")
    verdict = await trial(plan, folder, _tell)
    _show(verdict)
    if not verdict.wrong:
        shutil.rmtree(folder)
    return int(bool(verdict.wrong))


def main() -> None:
    given = [int(text) for text in sys.argv[1:]]
    registrations, kills, seed = (*given, *(10_000, 150, 1)[len(given) :])
    plan = Plan(registrations, kills, seed, concurrency=128, calm=300.0)
    sys.exit(uvloop.run(_run(plan)))


if __name__ == "__main__":
    main()
