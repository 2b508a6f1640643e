"""The commands, one file each; a file is imported only when its command runs."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli.wrapping import Formatter, say
from gateway.errors import CommandRefused, ConfigurationError, StorageError, Unreachable

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, str] = {
    "demo": "see it work: no account, no network, nothing to configure",
    "sandbox": "only the stand-ins of the upstream systems",
    "serve": "the gateway",
    "replay": "try persisted deliveries again",
    "backfill": "customers in Shopify whom a channel does not have yet",
    "deliveries": "the outbox: list, summary, show, discard",
    "status": "one screen: what works, what is open and why; exit 1 if a person is needed",
    "console": "the pages at /admin: make a password's hash",
    "flags": "every flag, and where it comes from",
    "normalize": "what each system would get of a customer's data; sends nothing",
    "check": "prove the configuration against the real systems",
    "duplicates": "store members that may be one person: list, show, reject, merge, link, unlink",
    "members": "the index of Smaregi members",
    "points": "points earned and spent online: list, show, settle, backfill, drift",
    "privacy": "what is held about one person: show, erase",
    "removals": "a mass disappearance that was held: list, confirm, drop",
    "backup": "copy the database, while everything goes on",
    "restore": "put a backup in the database's place",
    "database": "from SQLite to PostgreSQL: copy; after it was put back by other means: restored",
    "shop": "another shop, contract or account, on purpose: accept",
    "secret": "GATEWAY_SECRET: rotate",
    "webhooks": "the subscriptions in Shopify: install",
}
"""Each command and its line in --help; the file is named like it."""


click.Context.formatter_class = Formatter


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="registration-gateway", prog_name="gateway")
def gateway() -> None:
    """One registration reaches Shopify, Smaregi, the CRM and the mailbox, whatever fails."""


def _typed() -> str:
    """How this was started, for the usage: there is no main.py in a folder of the user's."""
    module = Path(sys.argv[0]).name == "__main__.py"
    return "python -m gateway" if module else "python main.py"


def main(arguments: list[str] | None = None) -> Any:
    """Exit code 0 done, 1 done but something failed, 2 wrong usage or configuration."""
    try:
        return gateway.main(arguments, prog_name=_typed())
    except ConfigurationError as error:
        click.echo("The configuration has problems:", err=True)
        for problem in error.problems:
            say(f"  - {problem}", indent="    ", err=True)
        sys.exit(2)
    except CommandRefused as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except Unreachable as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except StorageError as error:
        click.echo(f"The database cannot be used: {error}\n  {error.hint}", err=True)
        sys.exit(1)
