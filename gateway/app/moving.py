"""`database copy`: a file of SQLite to a PostgreSQL, or back, with the file's lock held."""

import asyncio
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gateway.errors import CommandRefused
from gateway.store import Database, Keys, OwnerLock, prove_folder, rekeying, secret_path
from gateway.store.backups import draft_of, examined
from gateway.store.durable import sync, sync_folder
from gateway.store.sqlite_errors import translated

if TYPE_CHECKING:
    from gateway.store.postgres.moving import Counted

__all__ = ["move", "move_back"]


class Bar(Protocol):
    """Told how many rows were copied so far."""

    def begin(self, total: int | None) -> None: ...
    def reach(self, done: int) -> None: ...


def move(path: Path, setting: str | None, url: str, bar: Bar | None) -> "list[Counted]":
    """Every table with its rows on both sides; without a `bar` nothing is copied. `setting`: that
    of GATEWAY_SECRET. Errors as of `store.postgres.moving`.
    """
    _need_the_extra()
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


def move_back(url: str, setting: str | None, path: Path, bar: Bar | None) -> "list[Counted]":
    """The same from PostgreSQL to a new file. Until all of it is there it has another name."""
    _need_the_extra()
    prove_folder(path)
    with OwnerLock(path) as lock:
        if not lock.acquire():
            raise CommandRefused(
                f"A gateway or another command uses {path.name}. Nothing was done."
            )
        for each in (path, secret_path(path), path.with_name(f"{path.name}-wal")):
            if each.exists() or each.is_symlink():
                raise CommandRefused(
                    f"{each.name} is there already: name another file. Nothing was done."
                )
        draft = draft_of(path)
        try:
            return _moved_back(url, setting, draft, None if bar is None else path, bar)
        except sqlite3.Error as error:
            raise translated(error, path) from None
        finally:
            draft.unlink(missing_ok=True)


def _moved_back(
    url: str, setting: str | None, draft: Path, path: Path | None, bar: Bar | None
) -> "list[Counted]":
    from gateway.store.postgres import moving_back  # noqa: PLC0415 - an extra

    def prove(db: sqlite3.Connection) -> None:
        _refuse_other_keys(db, Keys.load(setting, None), "that database", "GATEWAY_SECRET")

    if bar is None or path is None:
        return moving_back.count_back(url, prove)
    draft.unlink(missing_ok=True)
    asyncio.run(_bring_up_to_date(draft))
    with closing(sqlite3.connect(draft, isolation_level=None)) as target:
        bar.begin(None)
        found = moving_back.move_back(url, target, prove, bar.reach)
        examined(target, path.name, 0.0)
    sync(draft)
    draft.replace(path)
    sync_folder(path)
    return found


def _need_the_extra() -> None:
    if find_spec("psycopg") is None:
        raise CommandRefused(
            "PostgreSQL needs the extra postgres: pip install 'registration-gateway[postgres]'"
        )


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
    keys = Keys.load(setting, path)
    place = "GATEWAY_SECRET" if setting else secret_path(path).name
    _refuse_other_keys(source, keys, path.name, place)
    return keys


def _refuse_other_keys(db: sqlite3.Connection, keys: Keys, name: str, place: str) -> None:
    """CommandRefused where they are not those of the rows: nobody could read these any more."""
    at_hand = {each.fingerprint for each in keys.every}
    needed = {each for each, until in rekeying.used(db).items() if until is None}
    if not needed <= at_hand:
        raise CommandRefused(
            f"{name} is keyed by a secret that {place} does not hold: put that one behind "
            "it. Nothing was done."
        )
