"""The long form of the backfill test.

    python -m tests.sync.backfill [customers] [kills] [channel]

Prints its progress, what is wrong if anything is, and a table of counts.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
import uvloop

from tests.sync.backfill.trial import Plan, trial


def _tell(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {line}")


async def _run(plan: Plan) -> int:
    folder = Path(tempfile.mkdtemp(prefix="backfill-"))
    _tell(f"{plan.customers} customers to {plan.channel}, {plan.kills} kills; in {folder}")
    verdict = await trial(plan, folder, _tell)
    for line in verdict.wrong:
        click.echo(line)
    for kind, count in verdict.counts.items():
        click.echo(f"{kind:<28}{count:>8}")
    if not verdict.wrong:
        shutil.rmtree(folder)
    return int(bool(verdict.wrong))


def main() -> None:
    customers, kills, channel = (*sys.argv[1:], *("100000", "2", "crm")[len(sys.argv) - 1 :])
    plan = Plan(channel, int(customers), int(kills), patience=3 * 3600)
    sys.exit(uvloop.run(_run(plan)))


if __name__ == "__main__":
    main()
