"""restore: a backup takes the database's place."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import json_object, print_json
from gateway.cli.sqlite_only import refuse_server
from gateway.cli.wrapping import say

if TYPE_CHECKING:
    from gateway.store.restoring import Prepared

__all__ = ["command"]


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only prove that FILE could be restored.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_object
def command(file: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put the backup FILE in the database's place, and its secret from FILE.secret.

    No gateway may run beside the database meanwhile. The backup is proven first, and brought up to
    date; the database as it was stays beside under another name. What may have been done since the
    backup is marked, so that it is not done again by itself; says which commands to run.
    """
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick
    from gateway.errors import CommandRefused, StorageError  # noqa: PLC0415
    from gateway.store import OwnerLock, prove_folder  # noqa: PLC0415

    gateway = read_config(complete=False).current.gateway
    refuse_server(
        gateway,
        "put back what `pg_dump` or `pg_basebackup` has made by its own tools, and start `serve`: "
        "it marks what may have been done since. After a copy of files `database restored` does",
    )
    database, setting = gateway.database_path, gateway.gateway_secret
    text = setting.get_secret_value() if setting else None
    if file.exists() and database.exists() and file.samefile(database):
        raise CommandRefused(f"{file} is the database itself. Nothing was done.")
    prove_folder(database)
    with OwnerLock(database) as lock:
        if not lock.acquire() and not dry_run:
            raise CommandRefused(
                f"A gateway or another command uses {database.name}: stop it first. "
                "Nothing was done."
            )
        try:
            end = _restored(file, database, text, dry_run=dry_run, yes=yes)
        except StorageError as error:
            say(f"Nothing was restored: {error}\n  {error.hint}", err=True)
            sys.exit(1)
    if as_json:
        made_at = _iso(end["made_at"]) if end["made_at"] else None
        print_json(end | {"made_at": made_at})
    else:
        _tell(end, database)


def _restored(
    file: Path, database: Path, setting: str | None, *, dry_run: bool, yes: bool
) -> dict[str, Any]:
    from gateway.channels import ROSTER  # noqa: PLC0415
    from gateway.store import restoring  # noqa: PLC0415

    now = time.time()
    unrecognised = [spec.name for spec in ROSTER if not spec.updates]
    prepared = restoring.prepare(file, database, setting, unrecognised, now)
    try:
        if not (dry_run or yes):
            _ask(prepared, file, database)
        kept = None if dry_run else restoring.put_in_place(prepared, database, now)
    finally:
        prepared.draft.unlink(missing_ok=True)
    end = asdict(prepared.backup) | asdict(prepared.rewound)
    return {
        "file": str(file),
        "database": str(database.absolute()),
        **{name: value for name, value in end.items() if name != "secrets"},
        "restored": not dry_run,
        "kept": str(kept.absolute()) if kept else None,
        "backfill": [spec.name for spec in ROSTER if spec.updates],
    }


def _ask(prepared: "Prepared", file: Path, database: Path) -> None:
    found = prepared.backup
    say(f"{file}: {_made(found.made_at)}, {found.links} links. It is whole.", err=True)
    if database.exists():
        say(f"{database.name} is kept beside, under another name.", err=True)
    click.confirm(f"Put it in the place of {database.name}?", abort=True, err=True)


def _made(at: float | None) -> str:
    return f"made at {_iso(at)}" if at else "of an unknown time"


def _iso(at: float) -> str:
    from gateway.responses.bodies import iso  # noqa: PLC0415

    text: str = iso(at)
    return text


def _tell(end: dict[str, Any], database: Path) -> None:
    made = _made(end["made_at"])
    if not end["restored"]:
        say(f"{end['file']} could be restored: {made}, {end['links']} links. Nothing was done.")
        return
    say(f"{database.name} is the backup now: {made}, {end['links']} links.")
    if end["kept"]:
        name = Path(end["kept"]).name
        say(
            f"The database as it was is {name}, with its secret beside it: delete both once you "
            "are content."
        )
    for line in _marked(end):
        say(line)
    since = _iso(end["made_at"]) if end["made_at"] else "TIME"
    click.echo("Next:\n  1. start `serve`; within the hour it looks at whoever changed since")
    for number, channel in enumerate(end["backfill"], 2):
        click.echo(f"  {number}. python main.py backfill --channel {channel} --since {since}")
    number = len(end["backfill"]) + 2
    click.echo(f"  {number}. python main.py points backfill --since {since}   (if you give points)")
    click.echo(f"  {number + 1}. repeat what people decided since; 'After a restore' in")
    click.echo("     gateway/docs/operating.md says what that may be")


def _marked(end: dict[str, Any]) -> list[str]:
    lines = []
    if end["mails"]:
        lines.append(
            f"{end['mails']} welcome mails were open. They may have been sent since, so they go "
            "only if you name them: `replay --error-class too_late`"
        )
    if end["merges"]:
        lines.append(
            f"{end['merges']} merges of members were under way: `serve` names them in its log; "
            "compare the points in Smaregi, then `duplicates merge … --points-settled`"
        )
    if end["sign_ups"]:
        lines.append(
            f"{end['sign_ups']} sign-ups were under way: Shopify is asked what became of them"
        )
    return lines
