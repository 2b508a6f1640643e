"""console password: a hash for GATEWAY_ADMIN_PASSWORD or GATEWAY_STAFF_PASSWORD."""

import sys

import click

__all__ = ["command"]


@click.group("console")
def command() -> None:
    """The pages at /admin, for whoever runs the gateway."""


@command.command("password")
def password() -> None:
    """Make a hash of a password, to be set instead of it.

    Asks for it twice; where there is no terminal, it is the first line of standard input. Write
    what is printed into .env as GATEWAY_ADMIN_PASSWORD or GATEWAY_STAFF_PASSWORD.
    """
    from gateway.settings.passwords import LEAST, LONGEST, hashed  # noqa: PLC0415 - quick --help

    given = _ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not LEAST <= len(given) <= LONGEST:
        raise click.UsageError(f"a password has {LEAST} to {LONGEST} characters")
    click.echo(hashed(given))


def _ask() -> str:
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return text
