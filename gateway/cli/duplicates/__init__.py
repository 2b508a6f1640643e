"""duplicates: store members that may be one person, listed, shown side by side, rejected."""

import click

from gateway.cli.duplicates.looking import list_, reject, show

__all__ = ["command"]


@click.group("duplicates")
def command() -> None:
    """Store members that may be one person."""


for each in (list_, show, reject):
    command.add_command(each)
