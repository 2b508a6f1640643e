"""A backup takes the database's place. The caller holds the owner's lock.

What is on disk when the process dies, and what the next start makes of it:

    before the file is replaced     the database as it was, and perhaps a draft, which the next
                                    `restore` begins anew. Its secret may be one of two by then, the
                                    newest as before: everything can be read
    after it                        the backup, ready; of its secrets the same holds, and the next
                                    `restore` puts them right

The database as it was stays beside, under a name of its own, with its secret: it can be restored
like a backup.
"""

import os
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from gateway import frozen
from gateway.errors import CommandRefused, GatewayError, StorageError
from gateway.settings.secret_list import secrets_in
from gateway.store.backups import Backup, draft_of, examined, keep_secret, place
from gateway.store.copying import not_written
from gateway.store.durable import sync, sync_folder
from gateway.store.inventory import read_only
from gateway.store.keys import Keys, secret_path, secrets_of
from gateway.store.migration import upgrade
from gateway.store.ownership import lock_path
from gateway.store.rewinding import Rewound, rewind, skip_ids

__all__ = ["Prepared", "prepare", "put_in_place"]

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ")


@frozen
class Prepared:
    """A draft beside the database, whole and up to date. `secrets`: what its file is to hold; None
    where it stays as it is.
    """

    draft: Path
    backup: Backup
    rewound: Rewound
    secrets: tuple[str, ...] | None


def prepare(
    file: Path, database: Path, setting: str | None, unrecognised: Collection[str], now: float
) -> Prepared:
    """Reads, proves and marks a copy of the backup; nothing else is touched. `setting`: that of
    GATEWAY_SECRET. CommandRefused and StorageError say what is wrong with the backup.
    """
    draft = draft_of(database)
    try:
        draft.unlink(missing_ok=True)
        _copy(file, draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = MEMORY")
            backup = examined(db, file.name, now)
            secrets = _secrets(backup, file, database, setting)
            upgrade(db, backup.schema)
            db.execute("BEGIN IMMEDIATE")
            rewound = rewind(db, unrecognised, now)
            skip_ids(db)
            db.execute("COMMIT")
        sync(draft)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error | OSError):
            raise _failed(file, draft, error) from None
        raise
    return Prepared(draft, backup, rewound, secrets)


def _copy(file: Path, draft: Path) -> None:
    """With what its journal holds, if it has one."""
    draft.touch(mode=0o600, exist_ok=False)
    with file.open("rb"):  # tells better than SQLite why it cannot be read
        pass
    with (
        closing(read_only(file)) as source,
        closing(sqlite3.connect(draft, isolation_level=None)) as target,
    ):
        source.backup(target)


def _failed(file: Path, draft: Path, error: sqlite3.Error | OSError) -> GatewayError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB":
        return CommandRefused(f"{file.name} is not a database. Nothing was done.")
    if name.startswith(_DAMAGED):
        return StorageError(f"{file.name} is damaged: {error}", "take another backup")
    if isinstance(error, OSError) and error.filename == str(file):
        return CommandRefused(f"{file} cannot be read: {error.strerror}. Nothing was done.")
    return not_written(draft, error)


def _secrets(
    backup: Backup, file: Path, database: Path, setting: str | None
) -> tuple[str, ...] | None:
    """What the secret's file is to hold. CommandRefused where that of the backup is not at hand."""
    beside, present = secrets_of(secret_path(file)), secrets_of(secret_path(database))
    if setting is not None:
        lines, place = secrets_in(setting, ","), "GATEWAY_SECRET"
        how = f"put the one of {secret_path(file).name}, or of that day, behind it, after a comma"
    else:
        lines, place = beside or present or (), secret_path(file).name
        how = "put that file beside the backup, or set GATEWAY_SECRET"
    if backup.secrets and (not lines or backup.lacks(Keys(*lines))):
        raise CommandRefused(
            f"{file.name} is keyed by a secret that {place} does not hold: {how}. Nothing was done."
        )
    return None if setting is not None or beside in {None, present} else beside


def put_in_place(prepared: Prepared, database: Path, now: float) -> Path | None:
    """Where the database as it was stays; None where there was none. Raises StorageError."""
    secret, new = secret_path(database), prepared.secrets
    before = secrets_of(secret)
    try:
        kept = _keep(database, before, now) if database.exists() else None
        if new is not None:
            keep_secret(database, dict.fromkeys((*(before or ()), *new)))
        place(prepared.draft, database)
        if new is not None:
            keep_secret(database, new)
        _give_to_their_user(database, kept)
    except OSError as error:
        raise not_written(database, error) from None
    return kept


def _keep(database: Path, secrets: tuple[str, ...] | None, now: float) -> Path:
    kept = _free_name(database, now)
    _fold_journal(database)
    try:
        os.link(database, kept)
    except OSError:  # a file system without links
        shutil.copy2(database, kept)
        sync(kept)
    for end in ("-wal", "-shm"):  # of a damaged file: they belong to it, and to no other
        beside = database.with_name(database.name + end)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + end))
    if secrets is not None:
        keep_secret(kept, secrets)
    sync_folder(kept)
    return kept


def _free_name(database: Path, now: float) -> Path:
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{database.name}.replaced-{at}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for path in map(database.with_name, names) if not path.exists())


def _fold_journal(database: Path) -> None:
    """Its newest commits go into the file itself, unless it is too damaged for that."""
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        if not error.sqlite_errorname.startswith(_DAMAGED):
            raise not_written(database, error) from None


def _give_to_their_user(database: Path, kept: Path | None) -> None:
    """What root has made is its folder's owner's, for whom the gateway runs."""
    if os.geteuid() == 0:
        folder = database.absolute().parent.stat()
        mine = (database, kept, lock_path(database))
        for path in (each for file in mine if file for each in (file, secret_path(file))):
            if path.exists():
                os.chown(path, folder.st_uid, folder.st_gid)
