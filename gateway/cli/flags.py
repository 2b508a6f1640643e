"""flags: every flag, its mode, and where that comes from."""

import click

from gateway.cli.output import json_lines, print_rows, table

__all__ = ["command"]


def _shown(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


@click.command("flags")
@json_lines
def command(as_json: bool) -> None:
    """Every flag: what it does now, why, and where it was set."""
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick

    config = read_config(complete=False).current
    rows = [flag.describe() for flag in config.flags.flags.values()]
    if as_json:
        print_rows(rows)
        return
    columns = ("flag", "mode", "reason", "source", "percent", "allow")
    table("", columns, [[_shown(row[column]) for column in columns] for row in rows])
    click.echo("reason: default (not set), static (set), split (by percentage)")
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
