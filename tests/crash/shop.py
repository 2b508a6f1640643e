"""What people buy online, and the points that they spend there.

Orders are placed, paid, edited, refunded and cancelled; of the webhooks about them some are lost,
some come twice, and some late.
"""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import orjson

from gateway.sandbox import Sandbox
from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.webhooks import Delivery
from tests.crash.storefront import Storefront
from tests.points import buying

__all__ = ["Shop"]

_LATEST = 4.0
_TRIES = 40
_AGAIN = {0, 202, 429, 503}
_REFUSED = (b"insufficient-points", b"reservation-active")
"""What may be said to a member who wants too much, or left an older reservation open."""


class Shop:
    """`bought`: who has orders. `asked`: how often each customer asked for a reservation, and
    `members`: of whose points. `wrong`: what a storefront should never be told.
    """

    def __init__(self, sandbox: Sandbox, storefront: Storefront, dice: Random) -> None:
        self._orders = sandbox.shopify.orders
        self._storefront = storefront
        self._dice = dice
        self.bought: set[int] = set()
        self.asked: Counter[int] = Counter()
        self.members: dict[int, int] = {}
        self.wrong: list[str] = []
        webhooks = sandbox.shopify.webhooks
        self._send = webhooks.send
        vars(webhooks)["send"] = self._careless

    def _careless(self, delivery: Delivery) -> None:
        if delivery.attempt or not delivery.tag.startswith(("ORDERS", "REFUNDS")):
            self._send(delivery)
            return
        match self._dice.choice(("lost", "twice", "late", "", "", "")):
            case "lost":
                return
            case "twice":
                self._send(delivery)
            case "late":
                loop = asyncio.get_running_loop()
                loop.call_later(self._dice.uniform(0.0, _LATEST), self._send, delivery)
                return
        self._send(delivery)

    async def buy(self, customer: int, dice: Random) -> None:
        """An order, and what becomes of it."""
        self.bought.add(customer)
        await self._live_on(buying.place(self._orders, customer, dice), dice)

    async def _live_on(self, order: Order, dice: Random) -> None:
        for _ in range(dice.randint(0, 3)):
            await asyncio.sleep(dice.uniform(0.0, 1.5))
            buying.change(self._orders, order, dice)
        buying.settle(self._orders, order)

    async def spend(self, customer: int, points: int, dice: Random) -> None:
        """Points are reserved; the code is used, given up, both at once, or forgotten."""
        reserved = await self._reserve(customer, points, dice)
        if reserved is None:
            return
        await asyncio.sleep(dice.uniform(0.0, 2.0))
        match dice.choice(("use", "use", "use", "end", "both", "forget", "forget")):
            case "use":
                await self._use(customer, reserved, dice)
            case "end":
                await self._end(customer, reserved)
            case "both":
                await asyncio.gather(
                    self._end(customer, reserved), self._use(customer, reserved, dice)
                )

    async def _use(self, customer: int, reserved: dict[str, Any], dice: Random) -> None:
        order = buying.place_with(self._orders, customer, reserved["code"], dice)
        if order is not None:
            self.bought.add(customer)
            await self._live_on(order, dice)

    async def _reserve(self, customer: int, points: int, dice: Random) -> dict[str, Any] | None:
        """As a storefront does: the same key again until it knows. Who has no patience leaves. That
        somebody has signed in is known once its webhook is.
        """
        self.asked[customer] += 1
        key = f"points {customer} {self.asked[customer]}"
        patience = dice.choice((1, 3, _TRIES, _TRIES))
        for _ in range(patience):
            status, raw = await self._call("POST", customer, "", {"points": points}, key)
            if status == 201:
                reserved: dict[str, Any] = orjson.loads(raw)
                self._hear(customer, points, reserved)
                if dice.random() < 0.3:
                    await self._once_more(customer, points, key, reserved)
                return reserved
            if status not in _AGAIN and b"email-not-proven" not in raw:
                if not any(each in raw for each in _REFUSED):
                    self.wrong.append(f"customer {customer} was told {status} {raw.decode()}")
                return None
            await asyncio.sleep(dice.uniform(0.1, 1.0))
        return None

    def _hear(self, customer: int, points: int, reserved: dict[str, Any]) -> None:
        made = self._orders.discounts.by_code(reserved["code"])
        if made is None or made.amount != points or made.customers != {customer}:
            self.wrong.append(f"customer {customer} was told a code that is not there")

    async def _once_more(
        self, customer: int, points: int, key: str, reserved: dict[str, Any]
    ) -> None:
        """What was told stands."""
        status, raw = await self._call("POST", customer, "", {"points": points}, key)
        if status == 201 and orjson.loads(raw)["id"] != reserved["id"]:
            self.wrong.append(f"customer {customer} was told two reservations for one key")
        elif status not in {0, 201, 202, 429, 503}:
            self.wrong.append(f"customer {customer}: a key's answer is now {status} {raw.decode()}")

    async def _end(self, customer: int, reserved: dict[str, Any]) -> None:
        for _ in range(_TRIES):
            status, raw = await self._call("DELETE", customer, f"/{reserved['id']}")
            if status in {200, 409}:
                return
            if status not in {0, 503}:
                self.wrong.append(f"customer {customer}: a DELETE ended in {status} {raw.decode()}")
                return
            await asyncio.sleep(0.5)

    async def _call(
        self, method: str, customer: int, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, bytes]:
        headers = {} if key is None else {"Idempotency-Key": key}
        url = f"/v1/customers/{customer}/points/reservations{path}"
        answer = await self._storefront.call(method, url, json=body, headers=headers)
        self._storefront.counts[f"points {method} {answer[0] or 'no answer'}"] += 1
        return answer
