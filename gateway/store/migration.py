"""A file of an older schema is brought up to date by its owner, at its start.

`schema.sql` makes a new file; `migrations/` holds the steps from one version to the next. The
version stands in the file (`PRAGMA user_version`).

What is on disk when the process dies, and what the next start makes of it:

    before a step's commit   the file as it was, and perhaps a copy of it: the step is begun again
    between two steps        a file of the version between: the others follow
"""

import logging
import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.errors import StorageError
from gateway.store.durable import sync

__all__ = ["copy_path", "migrate", "newest", "tables", "upgrade"]

log = logging.getLogger(__name__)

_FIRST = 1


@cache
def steps() -> Mapping[int, str]:
    """The version that a step leads to -> its SQL."""
    folder = files("gateway.store").joinpath("migrations")
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {int(file.name[:4]): file.read_text("utf-8") for file in found}


@cache
def tables() -> tuple[str, ...]:
    """Of the newest version; what refers to a table stands behind it."""
    schema = files("gateway.store").joinpath("schema.sql").read_text("utf-8")
    return tuple(re.findall(r"CREATE TABLE (\w+)", schema))


def newest() -> int:
    """The version of `schema.sql`."""
    return max(steps(), default=_FIRST)


def copy_path(database: Path, version: int) -> Path:
    """Where the file as it was before its upgrade from `version` is kept."""
    return database.with_name(f"{database.name}.schema-{version}")


def migrate(connection: sqlite3.Connection, path: Path) -> bool:
    """Make the schema, or bring it up to date; whether it was made. StorageError for a file of a
    newer version.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest():
        raise StorageError(
            f"{path.name} was written by a newer version of the gateway (schema {version}, "
            f"this one knows {newest()})",
            f"start the newer version, or put the copy {copy_path(path, newest()).name} back "
            "if its upgrade kept one",
        )
    if version == 0:
        schema = files("gateway.store").joinpath("schema.sql").read_text("utf-8")
        _run(connection, schema, newest())
    elif version < newest():
        _keep_copy(connection, copy_path(path, version))
        upgrade(connection, version)
        log.info("%s was upgraded from schema %d to %d", path.name, version, newest())
    return version == 0


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """From this version to the newest, step by step."""
    for step in sorted(each for each in steps() if each > version):
        _run(connection, steps()[step], step)


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    """One step, whole or not at all. A table may be made anew, so references are checked after."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {script}")
        _refuse_loose_references(connection, version)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _refuse_loose_references(connection: sqlite3.Connection, version: int) -> None:
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise sqlite3.IntegrityError(f"the step to schema {version} leaves loose references")


def _keep_copy(connection: sqlite3.Connection, copy: Path) -> None:
    """The file as it is, without the data of sign-ups under way: that must not outlive them."""
    draft = copy.with_name(f"{copy.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    connection.execute("VACUUM INTO ?", (str(draft),))
    other = sqlite3.connect(draft, isolation_level=None)
    try:
        other.execute("PRAGMA journal_mode = MEMORY")
        other.execute("PRAGMA secure_delete = ON")
        other.execute("DELETE FROM intents")
    finally:
        other.close()
    sync(draft)
    draft.replace(copy)
