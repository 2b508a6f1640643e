"""`database copy`: the file of this gateway, to a PostgreSQL. The file's lock is held meanwhile."""

import asyncio
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gateway.errors import CommandRefused
from gateway.store import Database, Keys, OwnerLock, rekeying, secret_path
from gateway.store.sqlite_errors import translated

if TYPE_CHECKING:
    from gateway.store.postgres.moving import Counted

__all__ = ["move"]


class Bar(Protocol):
    """Told how many rows were copied so far."""

    def begin(self, total: int | None) -> None: ...
    def reach(self, done: int) -> None: ...


def move(path: Path, setting: str | None, url: str, bar: Bar | None) -> "list[Counted]":
    """Every table with its rows on both sides; without a `bar` nothing is copied. `setting`: that
    of GATEWAY_SECRET. Errors as of `store.postgres.moving`.
    """
    if find_spec("psycopg") is None:
        raise CommandRefused(
            "PostgreSQL needs the extra postgres: pip install 'registration-gateway[postgres]'"
        )
    from gateway.store.postgres.address import place  # noqa: PLC0415 - an extra

    place(url)
    if not path.exists():
        raise CommandRefused(f"There is no {path.name} to be copied. Nothing was done.")
    with OwnerLock(path) as lock:
        if not lock.acquire():
            raise CommandRefused(
                f"A gateway or another command uses {path.name}: stop it first. Nothing was done."
            )
        asyncio.run(_bring_up_to_date(path))
        return _moved(path, setting, url, bar)


async def _bring_up_to_date(path: Path) -> None:
    db = Database(path)
    await db.open()
    await db.close()


def _moved(path: Path, setting: str | None, url: str, bar: Bar | None) -> "list[Counted]":
    from gateway.store.postgres import moving  # noqa: PLC0415 - an extra

    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as source:
            keys = _keys(source, path, setting)
            if bar is None:
                return moving.count(source, url)
            bar.begin(None)
            return moving.move(source, url, keys.check, bar.reach)
    except sqlite3.Error as error:
        raise translated(error, path) from None


def _keys(source: sqlite3.Connection, path: Path, setting: str | None) -> Keys:
    """CommandRefused where they are not those of the rows: nobody could read these any more."""
    keys = Keys.load(setting, path)
    at_hand = {each.fingerprint for each in keys.every}
    needed = {each for each, until in rekeying.used(source).items() if until is None}
    if not needed <= at_hand:
        place = "GATEWAY_SECRET" if setting else secret_path(path).name
        raise CommandRefused(
            f"{path.name} is keyed by a secret that {place} does not hold: put that one behind "
            "it. Nothing was done."
        )
    return keys
