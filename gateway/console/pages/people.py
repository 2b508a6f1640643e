"""A person: found, seen as each system has them, masked until somebody says why; and sent again."""

import sqlite3
from typing import Any

from aiohttp import web
from markupsafe import Markup

from gateway.app.identity import SHOP
from gateway.app.people import FIELDS, KINDS, Person
from gateway.card import is_scannable, svg
from gateway.console.record import record
from gateway.console.rendering import render, see_other
from gateway.console.roles import Right
from gateway.console.upstream_links import link_to, portal_of
from gateway.console.visit import need
from gateway.customer import numeric_id
from gateway.errors import CommandRefused, UpstreamError
from gateway.http.control.guard import require_known
from gateway.http.keys import CORE
from gateway.store.points import movements, orders
from gateway.wire.reasons import reason_of

__all__ = ["masked", "routes"]

routes = web.RouteTableDef()

_LONGEST = 254
_LEAST_WHY = 3
_ORDERS, _STUCK = 20, 200
_DOTS = "•••"


@routes.get("/people")
async def ask(request: web.Request) -> web.StreamResponse:
    need(request, Right.PERSON)
    return _form(request)


def _form(request: web.Request, status: int = 200, **values: Any) -> web.Response:
    shown = {"kinds": KINDS, "kind": "email", "found": None, "wrong": False, **values}
    return render(request, "people.html", shown, status)


@routes.post("/people/find")
async def find(request: web.Request) -> web.StreamResponse:
    """What is looked for is in the body, so that it is in no address and in no log."""
    need(request, Right.PERSON)
    form = await request.post()
    kind, text = str(form.get("kind", "")), str(form.get("text", "")).strip()
    if kind not in KINDS or not text.isprintable() or not 0 < len(text) <= _LONGEST:
        return _form(request, 422, wrong=True)
    core = request.app[CORE]
    found = await core.people.find(kind, text)
    only = min(found.customers) if len(found.customers) == 1 else None
    count = len(found.customers) + len(found.members)
    await record(request, "find_person", f"{kind}: {count}", customer_id=only)
    if only is not None and not found.members and not found.unasked:
        return see_other(f"/people/{only}")
    return _form(request, kind=kind, found=found)


@routes.get("/people/{id}")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.PERSON)
    return await _page(request, _id(request), reveal=False)


@routes.post("/people/{id}/reveal")
async def reveal(request: web.Request) -> web.StreamResponse:
    """Once, on the page that answers this; the next look is masked again."""
    need(request, Right.PERSON)
    customer_id = _id(request)
    why = str((await request.post()).get("why", "")).strip()
    if not _LEAST_WHY <= len(why) <= _LONGEST or not why.isprintable():
        return await _page(request, customer_id, reveal=False, status=422)
    return await _page(request, customer_id, reveal=True, why=why)


async def _page(
    request: web.Request, customer_id: int, *, reveal: bool, why: str = "", status: int = 200
) -> web.Response:
    core = request.app[CORE]
    try:
        person = await core.people.look(customer_id)
    except UpstreamError as error:
        raise CommandRefused(f"{error.system} cannot be read now: {error}.") from None
    if person is None:
        raise web.HTTPNotFound
    if reveal:
        told = reason_of(why, person.told.values()) or _DOTS
        await record(request, "reveal", customer_id=customer_id, why=told)
    portal = await core.db.read(portal_of)
    urls = {
        each.system: link_to(core.live.current, each.system, each.reference, portal)
        for each in person.records
    }
    values = {
        "person": person,
        "rows": _rows(person, reveal=reveal),
        "reveal": reveal,
        "wrong": status == 422,
        "customer_url": link_to(core.live.current, SHOP, str(customer_id), portal),
        "urls": urls,
        "channels": list(core.deliverer.routes),
        "card": _card(person.number),
        "orders": await core.db.read(lambda db: orders.of_customer(db, customer_id, _ORDERS)),
        "reserved": await core.points.reserving.newest(customer_id),
        "stuck": await core.db.read(_stuck),
    }
    return render(request, "person.html", values, status)


def _stuck(db: sqlite3.Connection) -> dict[str, set[int | None]]:
    """Orders and reservations whose points a person must settle; these are few."""
    found = movements.listed(db, ["stuck"], 0, _STUCK)
    return {
        "order_id": {each.order_id for each in found},
        "reservation_id": {each.reservation_id for each in found},
    }


def _card(number: str | None) -> Markup | None:
    """What the customer shows at the till; our own drawing, which escapes the number."""
    if number is None or not is_scannable(number):
        return None
    return Markup(svg(number, "code128").decode())  # noqa: S704


def _rows(person: Person, *, reveal: bool) -> list[dict[str, Any]]:
    """A line a field, with what Shopify and each channel have; what nobody has is left out."""

    def cell(name: str, values: Any) -> str:
        text = (values or {}).get(name, "")
        return text if reveal else masked(text)

    return [
        {
            "field": name,
            "shopify": cell(name, person.told),
            "records": [
                {"text": cell(name, each.has), "differs": name in each.differs}
                for each in person.records
            ],
        }
        for name in FIELDS
        if person.told.get(name) or any((each.has or {}).get(name) for each in person.records)
    ]


def masked(text: str) -> str:
    """Enough to see that there is something, and whether it is what somebody says it is."""
    if not text or text in {"yes", "no"}:
        return text
    local, at, _ = text.partition("@")
    return f"{local[:1]}{_DOTS}{at}{_DOTS if at else ''}"


@routes.post("/people/{id}/send")
async def send(request: web.Request) -> web.StreamResponse:
    """The customer as Shopify has them now; to `email` it is the welcome mail."""
    need(request, Right.SEND_AGAIN)
    core, customer_id = request.app[CORE], _id(request)
    channel = str((await request.post()).get("channel", ""))
    if channel not in core.deliverer.routes:
        raise web.HTTPUnprocessableEntity
    await require_known(core, SHOP, channel)
    await record(request, "send_again", channel, customer_id=customer_id)
    try:
        delivery = await core.people.send_again(customer_id, channel)
    except UpstreamError as error:
        raise CommandRefused(f"{error.system} cannot be read now: {error}.") from None
    return see_other(f"/deliveries/{delivery.id}")


def _id(request: web.Request) -> int:
    try:
        found = numeric_id(request.match_info["id"])
    except ValueError:
        raise web.HTTPNotFound from None
    return found
