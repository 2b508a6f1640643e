"""The log of actions: who did what, when, to whom, and why; in ids."""

from aiohttp import web

from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import need
from gateway.customer import numeric_id
from gateway.http.keys import CORE
from gateway.store import actions

__all__ = ["routes"]

routes = web.RouteTableDef()

_PAGE = 50


@routes.get("/log")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.ACTIONS)
    text, wrong = request.query.get("customer", "").strip(), False
    customer_id: int | None = None
    try:
        customer_id = numeric_id(text) if text else None
    except ValueError:
        customer_id, wrong = 0, True
    before = _before(request.query.get("before", ""))
    rows = await request.app[CORE].db.read(
        lambda db: actions.page(db, before, _PAGE + 1, customer_id)
    )
    core = request.app[CORE]
    values = {
        "rows": rows[:_PAGE],
        "more": rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        "customer": text,
        "wrong": wrong,
        "first": before is None,
        "days": core.live.current.gateway.gateway_retention_days,
    }
    return render(request, "log.html", values, 422 if wrong else 200)


def _before(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
