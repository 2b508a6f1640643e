"""secret rotate: another GATEWAY_SECRET takes the place of the one before."""

import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli.output import json_object, print_json

__all__ = ["command"]

_HOW = """\
There is no older secret: nothing is to be keyed anew. To begin a rotation:
  1. {step}
  2. restart `serve`: what the old one keyed stays readable
  3. run `secret rotate` again"""
_SETTING = "write the new secret into GATEWAY_SECRET, a comma, and then the old one"
_FILE = "run `secret rotate --new`, which writes a new first line into {}"
_STALE = "The gateway that runs was started with other secrets: restart it, then run this again."
_WRITTEN = """\
{} has a new first line; what the old one keyed stays readable.
Restart `serve` if it runs, then run `secret rotate`."""


@click.group("secret")
def command() -> None:
    """The secret that keys what the gateway keeps."""


@command.command("rotate")
@click.option(
    "--new", is_flag=True, help="Only make a new secret, in its file beside the database."
)
@json_object
def rotate(new: bool, as_json: bool) -> None:
    """Key what is kept by the newest secret; says when the older may go.

    GATEWAY_SECRET, or the file beside the database, holds the newest first. The work is done by
    `serve` where it runs, in the background; broken off, it goes on where it was.
    """
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick

    live = read_config(complete=True)
    gateway = live.current.gateway
    file = None if gateway.gateway_secret or gateway.is_postgres else _file(gateway.database_path)
    if new:
        _make_new(live, file)
        return
    end = _rotate(live)
    if as_json:
        print_json({name: value for name, value in end.items() if name != "event"})
    else:
        _tell(end, file)
    sys.exit(2 if end["state"] in {"single", "stale"} else 1 if "error" in end else 0)


def _file(database: Path) -> Path:
    from gateway.store import secret_path  # noqa: PLC0415

    return secret_path(database)


def _make_new(live: Any, file: Path | None) -> None:
    from gateway.errors import ConfigurationError  # noqa: PLC0415
    from gateway.store import add_secret  # noqa: PLC0415

    if file is None:
        raise ConfigurationError([f"GATEWAY_SECRET: is set, so no file is used; {_SETTING}"])
    if not file.exists():
        raise ConfigurationError([f"GATEWAY_SECRET: there is no {file.name} yet to be rotated"])
    add_secret(live.current.gateway.database_path)
    click.echo(_WRITTEN.format(file.name))


def _rotate(live: Any) -> dict[str, Any]:
    from gateway.app import Role  # noqa: PLC0415
    from gateway.app.lifecycle import load_keys  # noqa: PLC0415
    from gateway.cli.run import run_logged, with_owner  # noqa: PLC0415

    end = dict[str, Any]()
    keys = load_keys(live.current.gateway)

    async def go(client: Any) -> None:
        async for event in client.stream("/control/secret/rotate", {"newest": keys.fingerprint}):
            if event["event"] == "progress" and sys.stderr.isatty():
                shown = f"\r{event['members']} members and {event['customers']} customers"
                click.echo(shown, nl=False, err=True)
            if event["event"] == "end":
                end.update(event)

    run_logged(with_owner(live, Role.COMMAND, go))
    if sys.stderr.isatty():
        click.echo(err=True)
    return end


def _tell(end: dict[str, Any], file: Path | None) -> None:
    """`file`: where the secret is, if it is not set."""
    place = file.name if file else "GATEWAY_SECRET"
    if end["state"] == "single":
        click.echo(_HOW.format(step=_FILE.format(place) if file else _SETTING), err=True)
    elif end["state"] == "stale":
        click.echo(_STALE, err=True)
    elif "error" in end:
        click.echo(f"Stopped after {end['customers']} customers: {end['error']}", err=True)
        click.echo(
            "`serve` goes on with it by itself; or run this again. Nothing is lost.", err=True
        )
    else:
        if "customers" in end:
            click.echo(f"Keyed anew: members {end['members']}, customers {end['customers']}.")
        when = "now" if end["may_go"] else f"from {end['may_go_at']} on"
        click.echo(
            f"The older secret may go {when}: take it out of {place}, then restart `serve`."
            if end["older"] == 1
            else f"The older secrets may go {when}: take them out of {place}, then restart `serve`."
        )
