"""An online copy of the database, for `backup`: the owner of the file makes it, since nobody else
opens the file; the command proves it, and gives it its name.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.errors import CommandRefused, StorageError
from gateway.http.control.body import body_of
from gateway.http.control.stream import STOPPING, stream
from gateway.http.keys import CORE
from gateway.store import Database, PagedCopy

__all__ = ["routes"]

routes = web.RouteTableDef()

_SHOW = 0.2
_NO_FILE = "PostgreSQL's own tools make its copies: pg_dump, or pg_basebackup."
_ELSEWHERE = "the gateway that runs sees another folder {} than this command does"
_HINT = (
    "in a container, or by PrivateTmp of its unit: run this where it runs, or name a folder that "
    "both see"
)


@routes.post("/control/backup")
async def copy(request: web.Request) -> web.StreamResponse:
    """The body: `draft`, an absolute path, where the command has made an empty file."""
    draft = Path(str((await body_of(request)).get("draft")))
    db = request.app[CORE].db
    if not isinstance(db, Database):
        raise CommandRefused(_NO_FILE)
    return await stream(request, _copy(db, draft, request.app[STOPPING]))


async def _copy(
    db: Database, draft: Path, stopping: asyncio.Event
) -> AsyncIterator[dict[str, Any]]:
    """`progress` with the pages done of all, then `end`, with an `error` and its `hint` if it could
    not be made. It ends early if the listener or the owner goes away.
    """
    if not await asyncio.to_thread(draft.exists):
        yield {"event": "end", "error": _ELSEWHERE.format(draft.parent), "hint": _HINT}
        return
    made = PagedCopy(draft)
    making = asyncio.create_task(db.copy(made), name="backup")
    try:
        while not making.done():
            if stopping.is_set():
                return
            yield {"event": "progress", "done": made.done, "pages": made.pages}
            await asyncio.wait({making}, timeout=_SHOW)
        try:
            making.result()
        except StorageError as error:
            yield {"event": "end", "error": str(error), "hint": error.hint}
        else:
            yield {"event": "end", "pages": made.pages}
    finally:
        made.end()
        await asyncio.wait({making})
