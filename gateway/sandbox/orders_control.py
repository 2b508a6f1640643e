"""Orders and till sales, made and changed from outside: a part of the control API."""

from typing import Any

import orjson
from aiohttp import web

from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.systems import Systems

__all__ = ["order_routes"]


def order_routes(systems: Systems) -> list[web.RouteDef]:
    desk = _Desk(systems)
    return [
        web.post("/_sandbox/orders", desk.place),
        web.patch("/_sandbox/orders/{id}", desk.change),
        web.post("/_sandbox/sales", desk.sale),
        web.post("/_sandbox/reserve", desk.reserve),
    ]


class _Desk:
    """What is wrong with a request is a ValueError, KeyError or TypeError."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def place(self, request: web.Request) -> web.Response:
        wanted = orjson.loads(await request.read())
        customer = wanted.get("customer")
        if customer is not None and customer not in self._systems.shopify.customers:
            raise ValueError(f"no customer {customer}")
        prices = [int(price) for price in wanted["prices"]]
        shipping, paid = int(wanted.get("shipping", 0)), bool(wanted.get("paid", True))
        codes = [str(code) for code in wanted.get("codes", ())]
        order = self._systems.shopify.orders.place(
            customer, prices, paid=paid, shipping=shipping, codes=codes
        )
        return _json({"id": order.id, "total": order.total}, 201)

    async def reserve(self, request: web.Request) -> web.Response:
        """As a storefront does for who is signed in; what the gateway answers."""
        wanted = orjson.loads(await request.read())
        customer, points = int(wanted["customer"]), wanted["points"]
        return _json(await self._systems.storefront.reserve(customer, points))

    async def change(self, request: web.Request) -> web.Response:
        order = self._systems.shopify.orders.rows[int(request.match_info["id"])]
        self._do(order, orjson.loads(await request.read()))
        return _json({})

    def _do(self, order: Order, wanted: dict[str, Any]) -> None:
        orders = self._systems.shopify.orders
        match wanted["do"]:
            case "pay":
                orders.pay(order)
            case "refund":
                lines = {int(place): int(count) for place, count in wanted.get("lines", {}).items()}
                orders.refund(order, lines, goodwill=int(wanted.get("goodwill", 0)))
            case "edit":
                orders.edit(order, int(wanted["line"]), int(wanted["quantity"]))
            case "cancel":
                orders.cancel(order)
            case "fulfil":
                orders.fulfil(order)
            case other:
                raise ValueError(f"nothing is done by {other}")

    async def sale(self, request: web.Request) -> web.Response:
        wanted = orjson.loads(await request.read())
        given, used = int(wanted.get("new_point", 0)), int(wanted.get("spend_point", 0))
        head = self._systems.smaregi.sale(int(wanted["member"]), given, used)
        return _json({"transactionHeadId": head}, 201)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
