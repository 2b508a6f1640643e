"""What a signed-in customer is shown of their membership: the points, the number on the card."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from gateway.channels.smaregi import Balance, Smaregi
from gateway.delivery import Route, Runtime
from gateway.errors import EmailNotProven, ErrorClass, UpstreamError
from gateway.membership.cache import RecentReads
from gateway.outcomes import OPEN, Delivery, DeliveryFilter, Link
from gateway.shopify import Shopify
from gateway.store import Engine, links, outbox

__all__ = ["Membership"]

log = logging.getLogger(__name__)

FRESH = 3.0
"""Seconds for which a balance is shown again without asking."""
PATIENCE = 4.0
"""Seconds that a page may wait for points."""
_KEPT = 2048

_Asked = tuple[int, Link | None]


class Membership:
    """`route` is the channel that numbers members."""

    def __init__(self, db: Engine, route: Route, shopify: Shopify, runtime: Runtime) -> None:
        self._db = db
        self._route = route
        self._shopify = shopify
        self._runtime = runtime
        self._recent: RecentReads[_Asked, Balance | None] = RecentReads(
            self._read, time.monotonic, seconds=FRESH, most=_KEPT
        )

    async def points(self, customer_id: int) -> Balance | None:
        """Smaregi's balance, a few seconds old at most; None if there is no member.

        EmailNotProven if they may not see it yet. UpstreamError if Smaregi does not answer soon
        enough.
        """
        channel = self._route.spec.name

        def unit(db: sqlite3.Connection) -> tuple[Link | None, bool]:
            withheld = links.is_withheld(db, channel, customer_id)
            return links.get(db, channel, customer_id), withheld

        link, withheld = await self._db.read(unit)
        if withheld:
            raise EmailNotProven
        try:
            known = link and replace(link, fingerprints=None)  # what it was last sent is irrelevant
            how, balance = await self._recent.get((customer_id, known))
        except UpstreamError:
            self._runtime.listener.points_read("error")
            raise
        self._runtime.listener.points_read(how)
        return balance

    async def _read(self, asked: _Asked) -> Balance | None:
        self._refuse_while_paused()
        limit = min(PATIENCE, self._runtime.policy.timeout)
        try:
            async with asyncio.timeout(limit):
                balance = await cast(Smaregi, self._route.channel).points.read(*asked)
                customer_id, link = asked
                if balance is None or link is not None or await self._shopify.exists(customer_id):
                    return balance
                return None  # it is the number on a stranger's card
        except UpstreamError as error:
            log.warning("points could not be read: %s: %s", error.error_class, error)
            raise
        except TimeoutError:
            log.warning("points could not be read within %g s", limit)
            raise _unread(ErrorClass.TIMEOUT, f"no answer within {limit:g} s") from None

    def _refuse_while_paused(self) -> None:
        """If deliveries have found the channel paused, readers need not find out again."""
        circuit = self._route.circuit
        if circuit.cause is not None and circuit.remaining() > 0:
            raise _unread(circuit.cause, "the channel is paused", circuit.remaining())

    async def number(self, customer_id: int) -> str | None:
        """The number that a till knows this customer by, or will know.

        It is known beforehand only if a delivery is open and the rule says what it will be. So the
        card exists right after the sign-up, and never for somebody who did not sign up.

        EmailNotProven if they may not see the card yet.
        """
        channel = self._route.spec.name
        chosen = DeliveryFilter(channels=(channel,), outcomes=tuple(OPEN), customer_id=customer_id)

        def unit(db: sqlite3.Connection) -> tuple[Link | None, Sequence[Delivery]]:
            if links.is_withheld(db, channel, customer_id):
                raise EmailNotProven
            link = links.get(db, channel, customer_id)
            return link, () if link else outbox.find(db, chosen, limit=10)

        link, deliveries = await self._db.read(unit)
        if link is None:
            return self._route.number_beforehand(customer_id, deliveries)
        by_rule = str(customer_id) if self._route.numbers_by_rule() else None
        return link.member_number or by_rule

    async def close(self) -> None:
        await self._recent.close()


def _unread(
    error_class: ErrorClass, message: str, retry_after: float | None = None
) -> UpstreamError:
    return UpstreamError(
        "smaregi", "read points", error_class, message, retry_after=retry_after, applied=False
    )
