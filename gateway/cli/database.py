"""database copy: from SQLite to PostgreSQL. database restored: it was put back by other means."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import json_object, print_json, table
from gateway.cli.progress import Bar, progress_bar
from gateway.cli.sqlite_only import refuse_server
from gateway.cli.wrapping import say

if TYPE_CHECKING:
    from gateway.store.postgres.moving import Counted

__all__ = ["command"]


_OF_TO = "GATEWAY_DATABASE_URL: "


@click.group("database")
def command() -> None:
    """The database as a whole."""


@command.command("copy", short_help="From SQLite to PostgreSQL, every row.")
@click.argument("to")
@click.option("--dry-run", is_flag=True, help="Only prove both sides, and count.")
@json_object
def copy(to: str, dry_run: bool, as_json: bool) -> None:
    """Copy the SQLite database to the PostgreSQL at TO, and count every table on both sides.

    TO: postgresql://user@host/database. Give its password in PGPASSWORD or ~/.pgpass: an address
    that is typed can be seen by other users of the machine. It must hold nothing yet, and no
    gateway may run meanwhile, here or there. All is copied, or nothing; the file stays as it is.
    """
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick
    from gateway.errors import ConfigurationError, StorageError  # noqa: PLC0415

    gateway = read_config(complete=False).current.gateway
    refuse_server(gateway, "only a file of SQLite is copied, so name that one for this command")
    secret = gateway.gateway_secret
    path, setting = gateway.database_path, secret.get_secret_value() if secret else None
    try:
        with progress_bar("rows") as bar:
            found = _moved(path, setting, to, None if dry_run else bar)
    except ConfigurationError as error:
        text = "; ".join(error.problems)
        if not text.startswith(_OF_TO):
            raise
        raise click.BadParameter(text.removeprefix(_OF_TO), param_hint="TO") from None
    except StorageError as error:
        say(f"Nothing was copied: {error}\n  {error.hint}", err=True)
        sys.exit(1)
    if as_json:
        print_json({"copied": not dry_run, "tables": [asdict(each) for each in found]})
    else:
        _tell(found, path, is_set=setting is not None, dry_run=dry_run)


def _moved(path: Path, setting: str | None, to: str, bar: Bar | None) -> "list[Counted]":
    from gateway.app import moving  # noqa: PLC0415

    return moving.move(path, setting, to, bar)


def _tell(found: "list[Counted]", path: Path, *, is_set: bool, dry_run: bool) -> None:
    table("", ("table", "SQLite", "PostgreSQL"), [(e.table, e.source, e.target) for e in found])
    rows = sum(each.source for each in found)
    if dry_run:
        say(f"Dry run: {rows} rows would be copied. Nothing was done.")
        return
    say(f"{rows} rows were copied, and every table was counted on both sides.")
    number = 1
    if not is_set:
        say(
            f"1. set GATEWAY_SECRET to what {path.name}.secret holds: of several lines the first "
            "first, with commas between them"
        )
        number = 2
    say(f"{number}. set GATEWAY_DATABASE_URL to that address, and start `serve`")
    say(
        f"{number + 1}. put {path.name} away, with the files beside it: a gateway on it would send "
        "again what was sent since"
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
