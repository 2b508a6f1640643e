"""Long work streams its progress: lines of JSON until `end`, or `yielded`.

`yielded` means: this owner makes way for a starting `serve`, and the client goes on with the next
owner.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

__all__ = ["STOPPING", "stream"]

STOPPING: web.AppKey[asyncio.Event] = web.AppKey("stopping", asyncio.Event)

_LAST_EVENT = 5.0
"""Seconds for running attempts to be reported when this owner has to go."""


async def stream(request: web.Request, events: AsyncIterator[dict[str, Any]]) -> web.StreamResponse:
    """Lines of JSON until the end, or until this owner has to go."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    with suppress(ConnectionError):  # a client that has what it wanted, or was killed
        await response.prepare(request)
        await _write_events(request, response, events)
        await response.write_eof()
    return response


async def _write_events(
    request: web.Request, response: web.StreamResponse, events: AsyncIterator[dict[str, Any]]
) -> None:
    """When this owner has to go, running attempts get a moment to be reported; then `yielded`."""
    stopping = asyncio.create_task(request.app[STOPPING].wait())
    event: dict[str, Any] | None = {}
    try:
        while event is not None and event.get("event") != "end":
            upcoming = asyncio.ensure_future(anext(events, None))
            await asyncio.wait({upcoming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                await asyncio.wait({upcoming}, timeout=_LAST_EVENT)
            event = upcoming.result() if upcoming.done() else None
            if not upcoming.done():
                upcoming.cancel()
            if event is not None:
                await response.write(orjson.dumps(event) + b"\n")
        if event is None:
            await response.write(orjson.dumps({"event": "yielded"}) + b"\n")
    finally:
        stopping.cancel()
