"""check: proves the configuration against the real systems; changes nothing."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gateway.cli.output import json_lines, print_rows, table

if TYPE_CHECKING:
    from gateway.channels import Check

__all__ = ["command"]


@click.command("check")
@json_lines
def command(as_json: bool) -> None:
    """Prove the settings against the real systems. Only reads; says how to mend what it finds."""
    from gateway.app.checks import run_checks  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged  # noqa: PLC0415

    checks = run_logged(run_checks(read_config(complete=True)))
    if as_json:
        print_rows(map(asdict, checks))
    else:
        shown = [(_state(check), check.name, check.detail) for check in checks]
        table("", ("state", "system", "what was found"), shown)
    if not all(check.ok for check in checks):
        sys.exit(1)


def _state(check: "Check") -> str:
    if check.warns:
        return "warning"
    return "ok" if check.ok else "FAILED"
