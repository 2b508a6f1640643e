"""What a backup is: one file with ids, keyed hashes and outcomes, and beside it its secret.

Nothing of a sign-up that was under way is in it: the sealed data must not outlive the sign-up, and
a backup does. Its row is, and by its id Shopify is asked what became of it.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from gateway import frozen
from gateway.errors import CommandRefused, StorageError
from gateway.store import rekeying
from gateway.store.copying import not_written
from gateway.store.durable import sync, sync_folder, write_new
from gateway.store.inventory import count
from gateway.store.keys import Keys, secret_path
from gateway.store.members import get_meta, set_meta
from gateway.store.migration import newest

__all__ = [
    "TAKEN",
    "Backup",
    "draft_of",
    "examined",
    "finish",
    "keep_secret",
    "place",
    "refuse_existing",
]

_MADE_AT = "backup_made_at"
TAKEN = ("", "-wal", "-shm", ".lock", ".sock", ".secret", ".new")
"""Ends of names beside a database that are its own."""
_TABLES = {"meta", "registrations", "deliveries", "links"}


@frozen
class Backup:
    """What a file holds. `made_at`: Unix seconds; None of one that no `backup` has made. `secrets`:
    fingerprints of those by which it is keyed. `sign_ups`: under way at that moment.
    """

    made_at: float | None
    schema: int
    links: int
    open_deliveries: int
    sign_ups: int
    secrets: tuple[str, ...]

    def lacks(self, keys: Keys) -> bool:
        """Whether it is keyed by a secret that is not among these."""
        return not {*self.secrets} <= {each.fingerprint for each in keys.every}


def draft_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.new")


def refuse_existing(file: Path) -> None:
    """CommandRefused where there is a backup, or the secret of one."""
    for each in (file, secret_path(file)):
        if each.exists() or each.is_symlink():
            raise CommandRefused(
                f"{each} is there already: name another file, or say --overwrite. Nothing was done."
            )


def finish(draft: Path, now: float) -> Backup:
    """Takes the sealed data out of a copy, proves that it is whole, and brings it onto the disk.

    StorageError if it is not whole.
    """
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            # One file, with no journal beside it; its own undo is in memory, not on the disk.
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("DELETE FROM intents")
            set_meta(db, _MADE_AT, repr(now))
            found = examined(db, draft.name, now)
        sync(draft)
    except (sqlite3.Error, OSError) as error:
        raise not_written(draft, error) from None
    return found


def examined(db: sqlite3.Connection, name: str, now: float) -> Backup:
    """What the file holds, read to its last page. StorageError if it is damaged; CommandRefused if
    it is no database of a gateway, or one of a newer version.
    """
    db.row_factory = sqlite3.Row
    try:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if not tables >= _TABLES:
            raise CommandRefused(f"{name} is not the database of a gateway. Nothing was done.")
        if version > newest():
            raise CommandRefused(
                f"{name} was written by a newer version of the gateway (schema {version}, this one "
                f"knows {newest()}): restore it with that version. Nothing was done."
            )
        if (wrong := _wrong(db)) is not None:
            raise StorageError(f"{name} is damaged: {wrong}", "take another backup")
        return _held(db, version, now)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise CommandRefused(f"{name} is not a database. Nothing was done.") from None
        raise StorageError(f"{name} cannot be read: {error}", "take another backup") from None


def _wrong(db: sqlite3.Connection) -> str | None:
    """What SQLite says of it: names of tables and numbers of pages, never a value."""
    found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        return str(found)
    loose = db.execute("PRAGMA foreign_key_check").fetchone()
    return None if loose is None else f"a row of {loose[0]} refers to nothing"


def _held(db: sqlite3.Connection, version: int, now: float) -> Backup:
    made_at, held = get_meta(db, _MADE_AT), count(db)
    unsettled = "SELECT count(*) FROM registrations WHERE state IN ('open', 'unclear', 'waiting')"
    needed = (each for each, until in rekeying.used(db).items() if until is None or until > now)
    return Backup(
        made_at=float(made_at) if made_at else None,
        schema=version,
        links=held.links,
        open_deliveries=held.open,
        sign_ups=db.execute(unsettled).fetchone()[0],
        secrets=tuple(needed),
    )


def keep_secret(file: Path, lines: Iterable[str]) -> None:
    """Beside this file, of mode 600; whole, or as it was."""
    path = secret_path(file)
    draft = draft_of(path)
    try:
        draft.unlink(missing_ok=True)
        write_new(draft, lines)
        draft.replace(path)
        sync_folder(path)
    except OSError as error:
        raise not_written(path, error) from None


def place(draft: Path, file: Path) -> None:
    """In place of what was there, at once."""
    try:
        draft.replace(file)
        sync_folder(file)
    except OSError as error:
        raise not_written(file, error) from None
