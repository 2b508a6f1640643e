"""What keeps a mistake from emptying other systems, for the commands of this machine."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.acceptance import Compared
from gateway.answers import Answer, iso, problem
from gateway.app import Core
from gateway.customer import gid
from gateway.errors import Refused
from gateway.http.forms import NotJsonError, parse_json
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.identity import SHOP
from gateway.store import removals
from gateway.store.removals import Removal

__all__ = ["guarded", "require_known", "routes"]

routes = web.RouteTableDef()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_WRITING = {
    "/control/replay": (SHOP,),
    "/control/backfill": (SHOP,),
    "/control/members/refresh": ("smaregi",),
    "/control/removals/confirm": (SHOP,),
}
"""Whose identity must not be another one, by path; those of the channels asked for besides."""


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a command may not do is 409, and exit code 2."""
    systems: tuple[str, ...] = _WRITING.get(request.path, ())
    if request.path.startswith("/control/duplicates/") and request.method == "POST":
        systems = () if request.path.endswith("/reject") else (SHOP, "smaregi")
    try:
        await require_known(request.app[CORE], *systems)
        return await handler(request)
    except Refused as refused:
        return respond(problem(409, "refused", str(refused)))


async def require_known(core: Core, *systems: str) -> None:
    """Refused where one of them is another one than before."""
    for difference in await core.identities.compare_all(systems):
        raise Refused(f"Nothing was done: {difference.reason}.")


@routes.get("/control/removals")
async def list_removals(request: web.Request) -> web.Response:
    """Those that are held, by customer id; `after` and `limit`."""
    query = request.query
    try:
        after = int(query.get("after", "0"))
        limit = min(max(int(query.get("limit", "1000")), 1), 1000)
    except ValueError:
        raise Refused("after and limit: should be numbers") from None
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
    ids = (await _body(request)).get("ids") or []
    if not isinstance(ids, list) or any(type(each) is not int for each in ids):
        raise Refused("ids: should be customer ids")
    return set(ids)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return dict(parse_json(await request.read()))
    except NotJsonError as error:
        raise Refused(str(error)) from None


@routes.get("/control/shop")
async def look(request: web.Request) -> web.Response:
    found = [_shown(one) for one in await request.app[CORE].acceptance.look()]
    return respond(Answer(200, orjson.dumps({"systems": found})))


def _shown(one: Compared) -> dict[str, Any]:
    return {
        "system": one.system,
        "title": one.title,
        "state": one.state,
        "before": str(one.before) if one.before else None,
        "now": str(one.now) if one.now else None,
        "error": one.error,
    }


@routes.post("/control/shop/accept")
async def accept(request: web.Request) -> web.Response:
    """The body: system -> the identity that the person has seen."""
    agreed = await _body(request)
    taken = await request.app[CORE].acceptance.accept({k: str(v) for k, v in agreed.items()})
    return respond(Answer(200, orjson.dumps({"accepted": taken})))
