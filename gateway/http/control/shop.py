"""`shop accept`: which shop, contract and account it is, and that another one is meant."""

from typing import Any

import orjson
from aiohttp import web

from gateway.app.shop_acceptance import ComparedSystem
from gateway.http.control.body import body_of
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/control/shop")
async def look(request: web.Request) -> web.Response:
    found = [_shown(one) for one in await request.app[CORE].shop_acceptance.look()]
    return respond(Answer(200, orjson.dumps({"systems": found})))


def _shown(one: ComparedSystem) -> dict[str, Any]:
    return {
        "system": one.system,
        "title": one.title,
        "state": one.state,
        "before": str(one.before) if one.before else None,
        "now": str(one.now) if one.now else None,
        "error": one.error,
        "forgets": one.forgets,
    }


@routes.post("/control/shop/accept")
async def accept(request: web.Request) -> web.Response:
    """The body: system -> the identity that the person has seen."""
    agreed = await body_of(request)
    taken = await request.app[CORE].shop_acceptance.accept({k: str(v) for k, v in agreed.items()})
    return respond(Answer(200, orjson.dumps({"accepted": taken})))
