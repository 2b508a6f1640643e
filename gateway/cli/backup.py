"""backup: an online copy of the database, with its secret beside it."""

import asyncio
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import json_object, print_json, size_text
from gateway.cli.progress import progress_bar
from gateway.cli.sqlite_only import refuse_server
from gateway.cli.wrapping import say

if TYPE_CHECKING:
    from gateway.store.backups import Backup

__all__ = ["command"]


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace the backup that FILE is already.")
@json_object
def command(file: Path, overwrite: bool, as_json: bool) -> None:
    """Copy the database to FILE while everything goes on, and its secret to FILE.secret.

    The copy is read to its last page before it gets its name. It holds ids, keyed hashes and
    outcomes, and nothing of the data of sign-ups under way. `restore` puts it back.
    """
    from gateway.cli.run import read_config  # noqa: PLC0415 - --help stays quick
    from gateway.errors import StorageError  # noqa: PLC0415

    live = read_config(complete=False)
    gateway = live.current.gateway
    refuse_server(
        gateway, "back it up with its own tools, `pg_dump` or `pg_basebackup`, and keep the secret"
    )
    file = file.absolute()
    _refuse(file, gateway.database_path.absolute(), overwrite=overwrite)
    setting = gateway.gateway_secret
    text = setting.get_secret_value() if setting else None
    try:
        found, lacks = _made(live, file, text)
    except StorageError as error:
        say(f"There is no backup: {error}\n  {error.hint}", err=True)
        sys.exit(1)
    if as_json:
        _print_json(file, found, "GATEWAY_SECRET" if setting else f"{file}.secret")
    else:
        _tell(file, found, is_set=setting is not None)
    if lacks:
        say(
            "It is keyed by a secret that is not at hand, as this database is: see 'If the secret "
            "is lost' in gateway/docs/operating.md",
            err=True,
        )


def _print_json(file: Path, found: "Backup", secret: str) -> None:
    from gateway.responses.bodies import iso  # noqa: PLC0415

    row = {"file": str(file), "secret": secret, "bytes": file.stat().st_size, **asdict(found)}
    del row["secrets"]
    print_json(row | {"made_at": iso(found.made_at or 0.0)})


def _refuse(file: Path, database: Path, *, overwrite: bool) -> None:
    from gateway.errors import CommandRefused  # noqa: PLC0415
    from gateway.store import backups  # noqa: PLC0415

    beside = file.parent.resolve() == database.parent.resolve()
    if beside and file.name in {database.name + end for end in backups.TAKEN}:
        raise CommandRefused(f"{file.name} is the database's own: name another file.")
    if file.is_dir():
        raise CommandRefused(f"{file} is a folder: name a file in it.")
    if not file.parent.is_dir():
        raise CommandRefused(f"The folder {file.parent} does not exist, and none is made.")
    if not overwrite:
        backups.refuse_existing(file)


def _made(live: Any, file: Path, setting: str | None) -> tuple["Backup", bool]:
    """What it holds, and whether its secret is lacking."""
    from gateway.store import Keys, backups, secret_path, secrets_of  # noqa: PLC0415

    draft = backups.draft_of(file)
    try:
        _copy(live, draft)
        found = backups.finish(draft, time.time())
        lines = secrets_of(secret_path(live.current.gateway.database_path))
        if setting is None and lines is not None:
            backups.keep_secret(file, lines)
        backups.place(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    keys = Keys.load(setting, live.current.gateway.database_path)
    return found, found.lacks(keys)


def _copy(live: Any, draft: Path) -> None:
    from gateway.app import Role  # noqa: PLC0415
    from gateway.cli.run import run_logged, with_owner  # noqa: PLC0415
    from gateway.errors import StorageError  # noqa: PLC0415

    end: dict[str, Any] = {}

    async def go(client: Any) -> None:
        await asyncio.to_thread(_announce, draft)
        with progress_bar("backup") as bar:
            async for event in client.stream("/control/backup", {"draft": str(draft)}):
                if event["event"] == "progress":
                    bar.begin_once(event["pages"] or None)
                    bar.reach(event["done"])
                else:
                    end.update(event)

    run_logged(with_owner(live, Role.OFFLINE, go))
    if "error" in end:
        raise StorageError(end["error"], end["hint"])


def _announce(draft: Path) -> None:
    """The owner must see the same folder as this command."""
    from gateway.store.copying import not_written  # noqa: PLC0415

    try:
        draft.touch(mode=0o600)
    except OSError as error:
        raise not_written(draft, error) from None


def _tell(file: Path, found: "Backup", *, is_set: bool) -> None:
    links, waiting = f"{found.links} links", f"{found.open_deliveries} open deliveries"
    say(f"{file}: {size_text(file.stat().st_size)}, {links}, {waiting}. It is whole.")
    if found.sign_ups:
        say(f"{found.sign_ups} sign-ups were under way: their data is not in it.")
    if is_set:
        say("Its secret is GATEWAY_SECRET, which was not copied: keep that with it.")
    else:
        say(f"Its secret is in {file.name}.secret: keep both as you keep `.env`.")
