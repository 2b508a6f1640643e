"""The page and the control API, for whoever looks at the sandbox from outside.

    GET    /_sandbox/state?limit=50     what each system holds, the newest first (limit=all)
    GET    /_sandbox/journal?system=    every request, the oldest first (`limit`: the last ones)
    GET    /_sandbox/faults             what is set
    POST   /_sandbox/faults             {"system": "smaregi", "kind": "status", "status": 500, …}
    DELETE /_sandbox/faults?system=     takes them away, of all systems without one
    GET    /_sandbox/delays             {"smaregi": {"seconds": 0.8, "mode": "total"}, …}
    PUT    /_sandbox/delays             {"smaregi": {"seconds": 0.8, "mode": "total"}}, or a number
    POST   /_sandbox/members            a store member, or a list of them; answers their ids
    PATCH  /_sandbox/members/{id}       a change made at the till; `point` too
    PATCH  /_sandbox/customers/{id}     a change made in Shopify's admin; `state` ENABLED signs in
    DELETE /_sandbox/customers/{id}     deleted in Shopify's admin; without an id all of them
    POST   /_sandbox/orders             {"customer": 7000000000001, "prices": [1200, 800]}, paid
                                        unless "paid" is false, with discount "codes"; answers its
                                        id
    PATCH  /_sandbox/orders/{id}        {"do": "pay"|"refund"|"edit"|"cancel"|"fulfil"}; of a refund
                                        "lines": {"0": 1} or "goodwill": 100, of an edit "line" and
                                        "quantity"
    POST   /_sandbox/sales              {"member": 1, "new_point": 10, "spend_point": 0}, at a till
    POST   /_sandbox/reserve            {"customer": 7000000000001, "points": 500}, at the gateway
    POST   /_sandbox/register           passes a registration on to the gateway
    GET    /_sandbox/registrations      the newest 12 in Shopify, each as the gateway tells it now
    POST   /_sandbox/reset              empties everything

Bodies and answers are JSON; what is wrong with a request is said as 400 `{"error": …}`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from importlib import resources
from itertools import islice
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

from gateway.sandbox.faults import Fault
from gateway.sandbox.orders_control import order_routes
from gateway.sandbox.snapshot import snapshot
from gateway.sandbox.storefront import Unanswered
from gateway.sandbox.systems import Systems

_FOLLOWED = 12
_FAULT_FIELDS = frozenset(each.name for each in fields(Fault))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """Serves the page and the control API of a sandbox."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        if not self._url:
            raise RuntimeError("the sandbox is not started")
        return self._url

    async def start(self, host: str, port: int) -> None:
        application = web.Application(middlewares=[_own_visitors, _bad_requests])
        application.add_routes(
            [
                web.get("/", self._html),
                web.get("/_sandbox/state", self._state),
                web.get("/_sandbox/journal", self._journal),
                web.get("/_sandbox/faults", self._faults),
                web.post("/_sandbox/faults", self._set_fault),
                web.delete("/_sandbox/faults", self._clear_faults),
                web.get("/_sandbox/delays", self._delays),
                web.put("/_sandbox/delays", self._set_delays),
                web.post("/_sandbox/members", self._add_members),
                web.patch("/_sandbox/members/{id}", self._edit_member),
                web.patch("/_sandbox/customers/{id}", self._edit_customer),
                web.delete("/_sandbox/customers", self._delete_customers),
                web.delete("/_sandbox/customers/{id}", self._delete_customers),
                *order_routes(self._systems),
                web.post("/_sandbox/register", self._register),
                web.get("/_sandbox/registrations", self._registrations),
                web.post("/_sandbox/reset", self._reset),
            ]
        )
        await self._systems.storefront.start()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host, port)
            await site.start()
        except OSError:
            await self.stop()
            raise
        shown = f"[{host}]" if ":" in host else host
        self._url = f"http://{shown}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._systems.storefront.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _html(self, _request: web.Request) -> web.Response:
        text = resources.files("gateway.sandbox").joinpath("page.html").read_text("utf-8")
        return web.Response(text=text, content_type="text/html", headers=_PAGE_HEADERS)

    async def _state(self, request: web.Request) -> web.Response:
        text = request.query.get("limit", "50")
        return _json(snapshot(self._systems, None if text == "all" else max(0, int(text))))

    async def _journal(self, request: web.Request) -> web.Response:
        journal = self._systems.journal
        entries = journal.of(request.query.get("system"))
        if limit := int(request.query.get("limit", "0")):
            entries = entries[-limit:]
        return _json(
            {
                "entries": [asdict(entry) for entry in entries],
                "counts": journal.counts(),
                "dropped": journal.dropped,
            }
        )

    async def _faults(self, _request: web.Request) -> web.Response:
        return _json(self._systems.faults.listing())

    async def _set_fault(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        system = str(wanted.pop("system", ""))
        if unknown := wanted.keys() - _FAULT_FIELDS:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self._systems.faults.set(system, Fault(**wanted))
        return _json(self._systems.faults.listing(), 201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._systems.faults.clear(request.query.get("system"))
        return _json(self._systems.faults.listing())

    async def _delays(self, _request: web.Request) -> web.Response:
        return _json(self._systems.delays.listing())

    async def _set_delays(self, request: web.Request) -> web.Response:
        delays = self._systems.delays
        for system, wanted in (await _object(request)).items():
            mode = wanted.get("mode") if isinstance(wanted, dict) else "each"
            seconds = float(wanted["seconds"] if isinstance(wanted, dict) else wanted)
            if mode == "total":
                delays.total(system, seconds)
            else:
                delays[system] = seconds
        return _json(delays.listing())

    async def _add_members(self, request: web.Request) -> web.Response:
        wanted = orjson.loads(await request.read())
        many = wanted if isinstance(wanted, list) else [wanted]
        return _json({"customerIds": [self._add_member(each) for each in many]}, 201)

    def _add_member(self, fields: dict[str, str]) -> int:
        points = fields.pop("point", None)
        member = self._systems.smaregi.add(**fields)
        if points is not None:
            self._systems.smaregi.edit(member, point=points)
        return member

    async def _edit_member(self, request: web.Request) -> web.Response:
        self._systems.smaregi.edit(int(request.match_info["id"]), **await _object(request))
        return _json({})

    async def _delete_customers(self, request: web.Request) -> web.Response:
        shopify, one = self._systems.shopify, request.match_info.get("id")
        ids = list(shopify.customers) if one is None else [int(one)]
        if one is not None and ids[0] not in shopify.customers:
            raise ValueError(f"no customer {one}")
        for customer_id in ids:
            shopify.delete_customer(customer_id)
        return _json({"deleted": len(ids)})

    async def _edit_customer(self, request: web.Request) -> web.Response:
        customer, fields = int(request.match_info["id"]), await _object(request)
        if fields.pop("state", None) == "ENABLED":
            self._systems.shopify.enable(customer)
        if fields:
            self._systems.shopify.edit_customer(customer, **fields)
        return _json({})

    async def _reset(self, _request: web.Request) -> web.Response:
        self._systems.reset()
        return _json({})

    async def _register(self, request: web.Request) -> web.Response:
        return _json(await self._systems.storefront.register(await request.read()))

    async def _registrations(self, _request: web.Request) -> web.Response:
        """Shopify knows them: each customer holds the id of their registration."""
        newest = islice(reversed(self._systems.shopify.customers.values()), _FOLLOWED)
        ids = [
            field.value
            for customer in newest
            for field in customer.metafields.values()
            if (field.namespace, field.key) == ("registration", "id")
        ]
        found = await self._systems.storefront.registrations(ids)
        return _json({"registrations": found})


_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
        " connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    ),
    "Cache-Control": "no-store",
}


@web.middleware
async def _own_visitors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keeps other web pages that a developer has open from switching things here."""
    origin = request.headers.get("Origin")
    host = URL(f"http://{request.host}").host or ""
    if host not in {"127.0.0.1", "localhost", "::1"} or (
        origin is not None and origin != f"http://{request.host}"
    ):
        return _json({"error": "only for this machine's own pages"}, 403)
    return await handler(request)


@web.middleware
async def _bad_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Unanswered as error:
        return _json({"error": str(error)}, error.status)
    except (ValueError, TypeError, KeyError) as error:
        return _json({"error": str(error)}, 400)


async def _object(request: web.Request) -> dict[str, Any]:
    value = orjson.loads(await request.read())
    if not isinstance(value, dict):
        raise TypeError("a JSON object is expected")
    return value


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
