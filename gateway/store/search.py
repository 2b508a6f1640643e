"""Looking through the outbox with a filter that few may match: in units that each look at so many
rows, whatever they find.
"""

import sqlite3
from functools import partial

from gateway.outcomes import Delivery, DeliveryFilter, Sort
from gateway.store import outbox
from gateway.store.engine import Engine
from gateway.store.paging import LOOKED, PAGE, every_page

__all__ = ["count", "find", "page"]


async def find(
    db: Engine,
    chosen: DeliveryFilter,
    *,
    limit: int,
    after: int | None = None,
    oldest_first: bool = False,
    untouched_since: int | None = None,
) -> list[Delivery]:
    """As `listing.find`."""
    found: list[Delivery] = []
    look = partial(_look, chosen=chosen, oldest_first=oldest_first, untouched=untouched_since)
    place: int | None = after
    while len(found) < limit:
        rows, place = await db.browse(partial(look, after=place, limit=limit - len(found)))
        found += rows
        if place is None:
            break
    return found


async def page(
    db: Engine, chosen: DeliveryFilter, sort: Sort, after: str | None, limit: int
) -> tuple[list[Delivery], str | None]:
    """A page in this order, and where the next one begins: None after the last.

    By age it leaves nothing out, whatever moves meanwhile; otherwise see `outbox.page`. ValueError
    where `after` is no place.
    """
    if sort not in {Sort.NEWEST, Sort.OLDEST}:
        return await db.browse(
            lambda connection: outbox.page(connection, chosen, sort, after, limit)
        )
    last = None if after is None else int(after)
    oldest = sort is Sort.OLDEST
    rows = await find(db, chosen, limit=limit + 1, after=last, oldest_first=oldest)
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], more


def _look(
    db: sqlite3.Connection,
    chosen: DeliveryFilter,
    after: int | None,
    limit: int,
    untouched: int | None,
    *,
    oldest_first: bool,
) -> tuple[list[Delivery], int | None]:
    """A page of them, and the id behind which the next begins; None after the last."""
    limit = min(limit, PAGE)
    is_known = bool(chosen.ids) or chosen.customer_id is not None
    until = None if is_known else outbox.page_end(db, after, LOOKED, oldest_first=oldest_first)
    if until is None and not is_known:
        return [], None
    rows = outbox.find(
        db,
        chosen,
        limit=limit,
        after=after,
        until=until,
        oldest_first=oldest_first,
        untouched_since=untouched,
    )
    return rows, rows[-1].id if len(rows) == limit else until


async def count(db: Engine, chosen: DeliveryFilter) -> int:
    def page(connection: sqlite3.Connection, after: int) -> tuple[int, int | None]:
        until = outbox.page_end(connection, after, LOOKED)
        if until is None:
            return 0, None
        return len(outbox.ids(connection, chosen, after, until)), until

    return await every_page(db.browse, page, -1)
