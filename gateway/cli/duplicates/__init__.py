"""duplicates: store members that may be one person: listed, shown, rejected, merged, linked."""

import click

from gateway.cli.duplicates.links import link, merge, unlink
from gateway.cli.duplicates.listing import list_, reject, show
from gateway.cli.wrapping import Commands

__all__ = ["command"]


@click.group("duplicates", cls=Commands)
def command() -> None:
    """Store members that may be one person."""


for each in (list_, show, merge, reject, link, unlink):
    command.add_command(each)
