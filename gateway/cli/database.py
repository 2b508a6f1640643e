"""database copy: to the other engine. database restored: it was put back by other means."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import json_object, print_json, table
from gateway.cli.progress import Bar, progress_bar
from gateway.cli.wrapping import say

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings
    from gateway.store.postgres.moving import Counted

__all__ = ["command"]


_OF_TO, _FILE = "GATEWAY_DATABASE_URL: ", "sqlite:///"


@click.group("database")
def command() -> None:
    """The database as a whole."""


@command.command("copy", short_help="From one engine to the other, every row.")
@click.argument("to")
@click.option("--dry-run", is_flag=True, help="Only prove both sides, and count.")
@json_object
def copy(to: str, dry_run: bool, as_json: bool) -> None:
    """Copy the database to TO, of the other engine, and count every table on both sides.

    TO: postgresql://user@host/database, or from there sqlite:///gateway.db. Give a password in
    PGPASSWORD or ~/.pgpass: an address that is typed can be seen by other users of the machine. TO
    must hold nothing yet, and no gateway may run meanwhile, here or there. All is copied, or
    nothing; what is copied stays as it is.
    """
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick
    from gateway.errors import StorageError  # noqa: PLC0415

    gateway = read_config(complete=False).current.gateway
    moved = _to_file if gateway.is_postgres else _to_server
    try:
        with progress_bar("rows") as bar:
            found = moved(gateway, to, None if dry_run else bar)
    except StorageError as error:
        say(f"Nothing was copied: {error}\n  {error.hint}", err=True)
        sys.exit(1)
    if as_json:
        print_json({"copied": not dry_run, "tables": [asdict(each) for each in found]})
    else:
        _tell(found, gateway, to, dry_run=dry_run)


def _secret(gateway: "GatewaySettings") -> str | None:
    return gateway.gateway_secret.get_secret_value() if gateway.gateway_secret else None


def _to_server(gateway: "GatewaySettings", to: str, bar: Bar | None) -> "list[Counted]":
    from gateway.app import moving  # noqa: PLC0415
    from gateway.errors import ConfigurationError  # noqa: PLC0415

    try:
        return moving.move(gateway.database_path, _secret(gateway), to, bar)
    except ConfigurationError as error:
        text = "; ".join(error.problems)
        if not text.startswith(_OF_TO):
            raise
        raise click.BadParameter(text.removeprefix(_OF_TO), param_hint="TO") from None


def _to_file(gateway: "GatewaySettings", to: str, bar: Bar | None) -> "list[Counted]":
    from gateway.app import moving  # noqa: PLC0415

    file = to.removeprefix(_FILE)
    if file in {to, ""}:
        raise click.BadParameter(
            "GATEWAY_DATABASE_URL names a PostgreSQL, so it should be a file of SQLite, "
            "sqlite:///gateway.db",
            param_hint="TO",
        )
    return moving.move_back(gateway.gateway_database_url, _secret(gateway), Path(file), bar)


def _tell(found: "list[Counted]", gateway: "GatewaySettings", to: str, *, dry_run: bool) -> None:
    back = gateway.is_postgres
    engines = ("PostgreSQL", "SQLite") if back else ("SQLite", "PostgreSQL")
    table("", ("table", *engines), [(e.table, e.source, e.target) for e in found])
    rows = sum(each.source for each in found)
    if dry_run:
        say(f"Dry run: {rows} rows would be copied. Nothing was done.")
        return
    say(f"{rows} rows were copied, and every table was counted on both sides.")
    next_steps = _after_the_way_back(to) if back else _after(gateway)
    for number, step in enumerate(next_steps, 1):
        say(f"{number}. {step}")


def _after(gateway: "GatewaySettings") -> Iterator[str]:
    name = gateway.database_path.name
    if gateway.gateway_secret is None:
        yield (
            f"set GATEWAY_SECRET to what {name}.secret holds: of several lines the first first, "
            "with commas between them"
        )
    yield "set GATEWAY_DATABASE_URL to that address, and start `serve`"
    yield (
        f"put {name} away, with the files beside it: a gateway on it would send again what was "
        "sent since"
    )


def _after_the_way_back(to: str) -> Iterator[str]:
    yield f"set GATEWAY_DATABASE_URL to {to} on one machine, leave GATEWAY_SECRET, start `serve`"
    yield (
        "put the other database away (ALTER DATABASE … RENAME TO …), and let no gateway start "
        "on it: it would send again what was sent since"
    )


@command.command("restored")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_object
def restored(yes: bool, as_json: bool) -> None:
    """Say that the database was put back to an older state.

    By a copy of the server's files, or a snapshot of the machine; a promoted replica and a dump of
    PostgreSQL are found out by themselves. What may have been done since is marked, so that it is
    not done again by itself. Run it before `serve` is started; `restore` has done it already.
    """
    if not yes:
        click.confirm(
            "Open mails will go only where somebody names them. Was the database put back?",
            abort=True,
            err=True,
        )
    marked = _marked()
    if as_json:
        print_json(marked)
        return
    say(
        f"Marked: {marked['mails']} open mails, which go only if you name them (`replay "
        f"--error-class too_late`), and {marked['merges']} merges of members, which wait until you "
        "have compared the points."
    )
    say("'After a restore' in gateway/docs/operating.md says what else to do.")


def _marked() -> dict[str, Any]:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    async def go(client: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await client.post("/control/database/restored")
        return answer

    found: dict[str, Any] = run_logged(with_owner(read_config(complete=False), Role.OFFLINE, go))
    return found
