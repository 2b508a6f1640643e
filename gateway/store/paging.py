"""What touches many rows goes in pages: each is a unit of some milliseconds, and between two of
them whoever signs up has a turn.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["EVERY", "LOOKED", "PAGE", "Page", "Run", "every_page"]

P = TypeVar("P")
Page = Callable[[sqlite3.Connection, P], tuple[int, P | None]]
"""Works on the rows behind a place: how many it changed, and the place behind which the next page
begins; None after the last.
"""

PAGE = 300
"""Rows that a unit changes, at most."""
LOOKED = 1000
"""Rows that a unit looks at, at most."""
EVERY = 1 << 62
"""The LIMIT of a query that leaves none out."""


Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
"""Runs a unit: `Database.write`, or its `read`."""


async def every_page(run: Run, page: Page[P], first: P) -> int:
    """One unit after the other; how many rows were changed."""
    changed: int = 0
    place = first
    while True:
        count, after = await run(partial(_call, page, place))
        changed += count
        if after is None:
            return changed
        place = after


def _call(page: Page[P], place: P, db: sqlite3.Connection) -> tuple[int, P | None]:
    return page(db, place)
