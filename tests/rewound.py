"""A gateway whose database is put back to an older day, while the world goes on."""

import time
from pathlib import Path

from gateway.store import Database, PagedCopy, backups, restoring
from tests.world import World

__all__ = ["back_up", "put_back"]


async def back_up(world: World, file: Path) -> None:
    """As `backup` does beside a running gateway."""
    assert isinstance(world.core.db, Database)
    await world.core.db.copy(PagedCopy(backups.draft_of(file)))
    backups.finish(backups.draft_of(file), time.time())
    backups.place(backups.draft_of(file), file)


async def put_back(world: World, file: Path, *, now: float | None = None) -> None:
    """As `restore` does, and `serve` after it."""
    await world.stop()
    database, secret = world.folder / "gateway.db", world.settings["GATEWAY_SECRET"]
    prepared = restoring.prepare(file, database, secret, ["email"], now or time.time())
    restoring.put_in_place(prepared, database, time.time())
    await world.start()
