"""Customers who are to leave the channels and are held: listed, confirmed, dropped."""

from typing import Any

import orjson
from aiohttp import web

from gateway.customer import gid
from gateway.errors import CommandRefused
from gateway.http.control.body import body_of
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, iso
from gateway.store import removals
from gateway.store.removals import Removal

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/control/removals")
async def list_removals(request: web.Request) -> web.Response:
    """Those that are held, by customer id; `after` and `limit`."""
    query = request.query
    try:
        after = int(query.get("after", "0"))
        limit = min(max(int(query.get("limit", "1000")), 1), 1000)
    except ValueError:
        raise CommandRefused("after and limit: should be numbers") from None
    found, total = await request.app[CORE].db.read(
        lambda db: (removals.find(db, "held", after, limit), removals.held(db))
    )
    body = {"removals": [_row(each) for each in found], "held": total}
    return respond(Answer(200, orjson.dumps(body)))


def _row(removal: Removal) -> dict[str, Any]:
    return {
        "shopify_customer_id": gid(removal.customer_id),
        "cause": removal.cause,
        "noticed_at": iso(removal.noticed_at),
    }


@routes.post("/control/removals/confirm")
async def confirm(request: web.Request) -> web.Response:
    ids = await _ids(request)
    count = await request.app[CORE].removals.confirm(ids)
    return respond(Answer(200, orjson.dumps({"count": count})))


@routes.post("/control/removals/drop")
async def drop(request: web.Request) -> web.Response:
    ids = await _ids(request)
    count = await request.app[CORE].removals.drop(ids)
    return respond(Answer(200, orjson.dumps({"count": count})))


async def _ids(request: web.Request) -> set[int]:
    """`ids` of the body; none means all."""
    ids = (await body_of(request)).get("ids") or []
    if not isinstance(ids, list) or any(type(each) is not int for each in ids):
        raise CommandRefused("ids: should be customer ids")
    return set(ids)
