"""A customer's profile as Shopify has it now, for a form."""

import asyncio
import logging
from typing import Any

import orjson

from gateway.customer import Customer
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, UpstreamError
from gateway.responses.answer import Answer, problem
from gateway.responses.problems import shopify_unavailable
from gateway.shopify import Shopify, customer_fields
from gateway.sync.profile_change import ProfileChanges
from gateway.wire import Lane, lane
from gateway.wording import Detail

__all__ = ["Profiles"]

log = logging.getLogger(__name__)


class Profiles:
    """Gives way to sign-ups: many readers leave them their share of Shopify's cost points. Waits
    for a change of the same customer that is under way, since Shopify may show half of it.
    """

    def __init__(self, shopify: Shopify, changes: ProfileChanges, runtime: Runtime) -> None:
        self._shopify = shopify
        self._changes = changes
        self._runtime = runtime

    async def shown(self, customer_id: int) -> Answer:
        try:
            customer = await self._read(customer_id)
        except UpstreamError as error:
            log.warning("a profile cannot be shown: Shopify failed: %s", error)
            return shopify_unavailable(error)
        if customer is None:
            return problem(404, "not-found", Detail.NO_CUSTOMER)
        body = orjson.dumps(customer_fields(customer))
        return Answer(200, body, {"Cache-Control": "no-store"})

    async def fields(self, customer_id: int) -> dict[str, Any]:
        """What `shown` would show; nothing if Shopify cannot be read."""
        try:
            customer = await self._read(customer_id)
        except UpstreamError:
            return {}
        return customer_fields(customer) if customer else {}

    async def _read(self, customer_id: int) -> Customer | None:
        before = lane.set(Lane.BACKLOG)
        try:
            async with (
                asyncio.timeout(self._runtime.policy.deadline),
                self._changes.turn(customer_id),
            ):
                return (await self._shopify.read([customer_id])).get(customer_id)
        except TimeoutError:
            text = "no answer within the response deadline"
            raise UpstreamError("shopify", "nodes", ErrorClass.TIMEOUT, text) from None
        finally:
            lane.reset(before)
