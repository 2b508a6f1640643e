"""Every member of the store, page by page: the next is fetched while the last is hashed."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from gateway import frozen
from gateway.matching.hashing import Hashed, PageHasher
from gateway.matching.match_keys import MemberHasher, Values, instant

__all__ = [
    "FULL_PAGE",
    "HIGHEST_ID",
    "MemberSource",
    "Page",
    "ScanProgress",
    "pages",
    "scan",
]

FULL_PAGE = 1000
_AHEAD = 8
"""Pages that may wait: what a slow moment of the disk holds back is not lost to the rate."""
TOGETHER = 2
"""Pages that are written at once: each write touches most leaves of a part's indexes. More would
keep the database from a sign-up for too long."""
HIGHEST_ID = (1 << 63) - 1
"""The upper bound of the last page."""

Row = Mapping[str, Any]


@dataclass(slots=True)
class ScanProgress:
    """What `members refresh` shows. `done` turns true when the index is complete."""

    members: int = 0
    pages: int = 0
    seconds: float = 0.0
    done: bool = False


class MemberSource(Protocol):
    """Where members come from: a page, ordered by id, of those at or above `from_id`.

    `seconds_apart()`: how often it may be asked for what changed.
    """

    async def member_page(self, from_id: int, updated_from: str | None) -> list[Row]: ...

    def seconds_apart(self) -> float: ...


@frozen
class Page:
    """All members whose ids are `low` to `high`, as the source gave them and as rows of ours.

    `pages`: how many of the source's these are.
    """

    low: int
    high: int
    rows: list[Row]
    values: list[Values]
    newest: str
    pages: int = 1

    def with_next(self, after: "Page") -> "Page":
        return Page(
            self.low,
            after.high,
            self.rows + after.rows,
            self.values + after.values,
            max(self.newest, after.newest, key=instant),
            self.pages + after.pages,
        )


async def pages(
    source: MemberSource, from_id: int, updated_from: str | None
) -> AsyncGenerator[tuple[int, int, list[Row]], None]:
    """Lowest and highest id that a page speaks of, and its rows; the last may have none."""
    while True:
        rows = await source.member_page(from_id, updated_from)
        if len(rows) < FULL_PAGE:
            yield from_id, HIGHEST_ID, rows
            return
        highest = int(rows[-1]["customerId"])
        yield from_id, highest, rows
        from_id = highest + 1


async def scan(
    source: MemberSource, from_id: int, hasher: MemberHasher
) -> AsyncGenerator[Page, None]:
    """Pages in order, some together. An error of the source is raised after the pages before it."""
    ready: asyncio.Queue[asyncio.Future[Page | None]] = asyncio.Queue(_AHEAD)
    hashing = PageHasher(hasher)
    fetching = asyncio.create_task(_fetch(source, from_id, hashing, ready))
    try:
        async with aclosing(_together(ready)) as found:
            async for page in found:
                yield page
    finally:
        fetching.cancel()
        left = [ready.get_nowait() for _ in range(ready.qsize())]
        for future in left:
            future.cancel()
        await asyncio.gather(fetching, *left, return_exceptions=True)
        await hashing.close()


async def _together(
    ready: "asyncio.Queue[asyncio.Future[Page | None]]",
) -> AsyncGenerator[Page, None]:
    whole: Page | None = None
    try:
        while (page := await _next(ready)) is not None:
            whole = whole.with_next(page) if whole else page
            if whole.pages == TOGETHER:
                yield whole
                whole = None
    except Exception:
        if whole:
            yield whole
        raise
    if whole:
        yield whole


async def _next(ready: "asyncio.Queue[asyncio.Future[Page | None]]") -> Page | None:
    page = await ready.get()
    try:
        return await page
    finally:
        page.cancel()


async def _fetch(
    source: MemberSource,
    from_id: int,
    hashing: PageHasher,
    ready: "asyncio.Queue[asyncio.Future[Page | None]]",
) -> None:
    end: asyncio.Future[Page | None] = asyncio.get_running_loop().create_future()
    try:
        async with aclosing(pages(source, from_id, None)) as found:
            async for low, high, rows in found:
                await ready.put(asyncio.create_task(_hashed(low, high, rows, hashing)))
        end.set_result(None)
    except Exception as error:  # noqa: BLE001 - it is raised to whoever reads the pages
        end.set_exception(error)
    await ready.put(end)


async def _hashed(low: int, high: int, rows: list[Row], hashing: PageHasher) -> Page | None:
    done: Hashed = await hashing(rows)
    return Page(low, high, rows, done.values, done.newest)
