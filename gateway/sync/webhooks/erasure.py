"""A customer who is gone from Shopify is removed from the channels. A redaction, or a person's
order, also wipes our rows.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from gateway.alerts import notices
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import removal
from gateway.errors import ErrorClass, IdentityError, UpstreamError
from gateway.shopify import Shopify
from gateway.store import Engine, actions, erasure, links, outbox, personal, removals, unfinished
from gateway.store.actions import Action
from gateway.store.personal import Traces
from gateway.store.removals import Cause
from gateway.store.unfinished import Unfinished
from gateway.sync.webhooks.verification import DELETED, MERGED, REDACT
from gateway.sync.webhooks.worker import LaterError

__all__ = ["LATE", "Erasure", "look_for_lost"]

log = logging.getLogger(__name__)

LATE = 60.0
"""Seconds after which a request whose answer was lost cannot arrive any more."""
_UNDER_WAY = 1.0
"""Seconds until we look again whether a running attempt has ended."""
_LONGEST_PAUSE = 600.0
_LOOK_AGAIN = 0.2
_NEEDED = {DELETED, MERGED, REDACT}
"""Topics whose work needs to know which records are the customer's."""


def look_for_lost(
    db: sqlite3.Connection, customer_id: int, doubt: Mapping[str, dict[str, Any]], now: float
) -> None:
    """Removes what an attempt may have made, once no late request can arrive any more."""
    for name, plan in doubt.items():
        later = removal(name, not_before=now + LATE)
        (delivery,) = outbox.add(db, customer_id, None, [later], now)
        outbox.save_plan(db, delivery.id, plan)


class Erasure:
    """The database's journal is wiped of those rows, too."""

    def __init__(
        self, db: Engine, shopify: Shopify, delivery: DeliveryParts, runtime: Runtime
    ) -> None:
        self._db = db
        self._shopify = shopify
        self._delivery = delivery
        self._runtime = runtime

    async def remove(self, customer_id: int, cause: Cause = "gone") -> None:
        """What is owed is given up; each channel with a record, or that may have one, is to take it
        away, but for those where a person has given that up. Nothing, where too many are gone at
        once for that to be believed.
        """
        await self._delivery.clock_jumps.follow()
        now = self._runtime.clock()
        routes = self._delivery.routes
        keeping = [name for name, route in routes.items() if route.spec.updates]

        def unit(db: sqlite3.Connection) -> bool:
            if erasure.is_under_way(db, [customer_id]):
                return False
            if not removals.begin(db, customer_id, cause, now):
                return True
            erasure.discard_open(db, customer_id, now)
            begun = erasure.removals_open(db, customer_id) | erasure.given_up(db, customer_id)
            asked = set(keeping) - begun
            look_for_lost(db, customer_id, erasure.in_doubt(db, customer_id, asked), now)
            for (_, name), link in links.of_customers(db, routes, [customer_id]).items():
                if name not in keeping:
                    links.remove(db, name, customer_id, link.reference)
                elif name not in begun:
                    outbox.add(db, customer_id, None, [removal(name)], now)
            return True

        if not await self._db.write(unit):
            raise LaterError(_UNDER_WAY)
        for name in keeping:
            self._runtime.listener.delivery_due(name)

    async def redact(self, customer_id: int, age: float) -> None:
        """Removes the customer. Once every channel has done so, or a person has discarded its
        removal, all rows about them are wiped. `age`: of the request.
        """
        await self.remove(customer_id, "redact")

        def unit(db: sqlite3.Connection) -> bool:
            if removals.kept(db, [customer_id]):
                return True
            if erasure.removals_open(db, customer_id):
                return False
            erasure.wipe(db, customer_id)
            return True

        if not await self._db.write(unit):
            raise LaterError(min(_LONGEST_PAUSE, max(0.5, age / 5)))
        self._runtime.listener.intent_gone()

    async def wipe(self, known: Traces, action: Action, patience: float) -> list[Unfinished]:
        """Wipes all rows about a person, whatever the other systems have, and logs it in the same
        commit. Wipes nothing while work on them is under way that needs the rows; returns what that
        is if it does not end within `patience` seconds.
        """

        def unit(db: sqlite3.Connection) -> list[Unfinished]:
            person = personal.traces(db, known)
            found = unfinished.of_person(db, person, _NEEDED)
            if not found:
                personal.wipe(db, person)
                actions.add(db, action)
            return found

        clock = asyncio.get_running_loop().time
        until = clock() + patience
        while (found := await self._db.write(unit)) and clock() < until:
            if not all(each.ends_soon for each in found):
                return found
            await asyncio.sleep(_LOOK_AGAIN)
        if not found:
            self._runtime.listener.intent_gone()
        return found

    async def redact_shop(self) -> None:
        """Shopify sends this two days after the app was uninstalled. If our token still works, it
        was not uninstalled.
        """
        try:
            await self._shopify.check()
        except UpstreamError as error:
            if error.error_class is not ErrorClass.AUTH or isinstance(error, IdentityError):
                raise
        else:
            self._runtime.listener.notice(notices.nothing_erased())
            return
        await self._db.write(erasure.wipe_shop)
        self._runtime.listener.intent_gone()
        self._runtime.listener.notice(notices.shop_erased())
