"""flags: every flag, its mode, and where that comes from."""

import click

from gateway.cli.output import print_json, table

__all__ = ["command"]


@click.command("flags")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """Every flag: what it does now, why, and where it was set."""
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick

    config = read_config(complete=False).current
    rows = [flag.describe() for flag in config.flags.flags.values()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = ("flag", "mode", "reason", "source", "percent", "allow")
    table("", columns, [[row[column] for column in columns] for row in rows])
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
