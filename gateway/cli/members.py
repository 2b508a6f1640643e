"""members refresh: rebuilds the index of Smaregi members."""

import sys
from typing import Any

import click

from gateway.cli.wrapping import Commands

__all__ = ["command"]


@click.group("members", cls=Commands)
def command() -> None:
    """The index of Smaregi members, by which customers are matched."""


@command.command("refresh")
def refresh() -> None:
    """Read every member of the store again, within the limits, and rebuild the index."""
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    end: dict[str, Any] = {}

    async def go(client: Any) -> None:
        async for event in client.stream("/control/members/refresh", {}):
            if event["event"] == "progress" and sys.stderr.isatty():
                click.echo(f"\r{event['members']} members read", nl=False, err=True)
            if event["event"] == "end":
                end.update(event)

    run_logged(with_owner(read_config(complete=True), Role.COMMAND, go))
    if sys.stderr.isatty():
        click.echo(err=True)
    if end.get("error"):
        click.echo(f"The scan stopped after {end['members']} members: {end['error']}", err=True)
        click.echo("Run it again: it begins anew, nothing is lost.", err=True)
        sys.exit(1)
    click.echo(f"{end['indexed']} members indexed in {end['seconds']:.1f} s.")
