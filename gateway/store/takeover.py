"""The first thing a new owner does: what a dead one left half-way is made plain, in pages. One that
dies meanwhile leaves it to the next.
"""

import sqlite3
from functools import partial

from gateway.store import deferred, idempotency, outbox, registrations
from gateway.store.outbox.queries import FIRST
from gateway.store.paging import Run, every_page

__all__ = ["take_over"]


async def take_over(write: Run, latest: float, now: float) -> tuple[int, int]:
    """Sign-ups that Shopify has to be asked for, and deliveries that were under way, or due too
    late: nothing is tried again after `latest`. Times are Unix seconds.
    """
    await every_page(write, idempotency.forget_unanswered_keys, b"")
    unclear = await every_page(write, partial(_mark_open_unclear, now=now), "")
    while await write(partial(deferred.take_over, now=now)):
        pass
    pending = await every_page(write, partial(outbox.recover, latest=latest, now=now), FIRST)
    return unclear, pending


def _mark_open_unclear(db: sqlite3.Connection, after: str, now: float) -> tuple[int, str | None]:
    page = registrations.unsettled_page(db, "open", after)
    for row in page:
        registrations.mark_unclear(db, row.id, now)
    return len(page), page[-1].id if page else None
