"""Rebuilding the index of members for a person who watches."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gateway.errors import UpstreamError
from gateway.matching.index import MemberIndex

__all__ = ["rebuild"]


async def rebuild(index: MemberIndex) -> AsyncIterator[dict[str, Any]]:
    """`progress` events, then `end`, with any `error`."""
    scan = index.start_scan(again=True)
    yield {"event": "start"}
    while not scan.done():
        await asyncio.wait({scan}, timeout=0.2)
        progress = index.progress
        yield {"event": "progress", "members": progress.members, "seconds": progress.seconds}
    end = {"event": "end", "members": progress.members, "seconds": progress.seconds}
    try:
        scan.result()
    except UpstreamError as error:
        yield end | {"error": str(error)}
        return
    yield end | {"indexed": await index.size()}
