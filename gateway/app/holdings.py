"""What the database holds at a start, and whether an empty one is the wrong one.

A misspelt path starts empty, and looks like a new gateway. But the systems around it hold records
that an earlier gateway made. Looking for them costs a few calls, once.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping

from flags import Mode
from gateway.app.config import LiveConfig
from gateway.channels import Channel
from gateway.delivery import Route
from gateway.errors import UpstreamError
from gateway.shopify import Shopify
from gateway.store import inventory, links
from gateway.store.engine import Engine

__all__ = ["DatabaseReport"]

log = logging.getLogger("gateway")

_LATER = 5.0
"""Seconds after the start, so that the start's own work goes first."""
_ASKED = 3
"""Customers that a channel is asked for."""


class DatabaseReport:
    """`live` says which channels are in use."""

    def __init__(
        self, db: Engine, shopify: Shopify, routes: Mapping[str, Route], live: LiveConfig
    ) -> None:
        self._db = db
        self._shopify = shopify
        self._routes = routes
        self._live = live

    async def tell(self) -> None:
        """Log which database this is and what it holds."""
        place = self._db.place
        if self._db.is_new:
            log.warning("database %s: new, made just now", place)
        else:
            log.info("database %s: known, %s", place, await self._db.read(inventory.count))

    async def warn_of_lost_database(self) -> None:
        """Looks if this database is empty; in the background, since nobody waits for it."""
        if not (await self._db.read(inventory.count)).is_empty:
            return
        await asyncio.sleep(_LATER)
        if systems := await self.systems_with_records():
            log.warning("database %s: %s", self._db.place, warning(systems))

    async def systems_with_records(self) -> list[str]:
        """The systems that hold what a gateway made which this database does not know."""
        try:
            newest = await self._shopify.roll.newest()
        except UpstreamError as error:
            log.info("could not look for records of an earlier gateway: %s", error)
            return []
        by_registration = {
            registration_id: customer_id
            for customer_id, registration_id in newest
            if registration_id
        }
        foreign, ours = await self._db.read(
            lambda db: (
                inventory.unknown(db, by_registration),
                {i for i, _ in links.of_customers(db, self._routes, dict(newest))},
            )
        )
        asked = [by_registration[registration_id] for registration_id in foreign] + [
            i for i, registration_id in newest if not registration_id
        ]
        asked = [i for i in asked if i not in ours][:_ASKED]
        found = ["Shopify"] if foreign else []
        return found + [name for name, each in self._channels() if await _any(each, asked)]

    def _channels(self) -> Iterator[tuple[str, Channel]]:
        for name, route in self._routes.items():
            if self._live.current.flags[name].mode is not Mode.OFF:
                yield route.spec.title, route.channel


def warning(systems: list[str]) -> str:
    return (
        f"it holds nothing, yet {', '.join(systems)} hold what a gateway made: does "
        "GATEWAY_DATABASE_URL name the right one? If the old one is lost, see "
        "'Backup and loss' in gateway/docs/operating.md"
    )


async def _any(channel: Channel, customer_ids: list[int]) -> bool:
    """A system that does not answer says nothing; its own checks tell of that."""
    try:
        return any([await channel.record_of(customer_id) for customer_id in customer_ids])
    except UpstreamError:
        return False
