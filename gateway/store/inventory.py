"""How much a database holds: shown at each start, so that a misspelt path is noticed at once."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from gateway import frozen
from gateway.store.outbox.queries import IS_OPEN
from gateway.store.ownership import OwnerLock, lock_path
from gateway.store.sqlite_errors import translated

__all__ = ["NOTHING", "Inventory", "count", "look", "read_only", "unknown"]


@frozen
class Inventory:
    """`open` deliveries; `is_empty`: nobody ever signed up or was linked here."""

    links: int
    open: int
    is_empty: bool

    def __str__(self) -> str:
        links = "1 link" if self.links == 1 else f"{self.links} links"
        waiting = "1 open delivery" if self.open == 1 else f"{self.open} open deliveries"
        return f"{links}, {waiting}"


NOTHING = Inventory(0, 0, is_empty=True)


def count(db: sqlite3.Connection) -> Inventory:
    links, waiting, rows = db.execute(
        f"""SELECT (SELECT count(*) FROM links),
                   (SELECT count(*) FROM deliveries WHERE {IS_OPEN}),
                   EXISTS (SELECT 1 FROM deliveries) OR EXISTS (SELECT 1 FROM registrations)"""  # noqa: S608
    ).fetchone()
    return Inventory(links, waiting, is_empty=not links and not rows)


def unknown(db: sqlite3.Connection, registration_ids: Iterable[str]) -> list[str]:
    """Those that are no registrations of this database."""
    found = "SELECT 1 FROM registrations WHERE id = ?"
    return [i for i in registration_ids if db.execute(found, (i,)).fetchone() is None]


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that leaves no file behind beside the database."""
    clean = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro{clean}", uri=True)


def look(path: Path) -> Inventory | None:
    """What a file holds, without changing it; None while another process owns it.

    Raises StorageError where it is no database of ours.
    """
    with OwnerLock(path) as lock:
        if lock_path(path).exists() and not lock.acquire():
            return None
        try:
            with contextlib.closing(read_only(path)) as db:
                return count(db)
        except sqlite3.Error as error:
            raise translated(error, path) from None
