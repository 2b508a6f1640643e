"""Links and members mended by a person, for the commands of this machine."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.app import Core
from gateway.customer import gid
from gateway.duplicates import Plan, compare
from gateway.errors import CommandRefused, UpstreamError
from gateway.http.control.stream import stream
from gateway.http.forms import NotJsonError, parse_json
from gateway.http.keys import CORE
from gateway.http.middleware import read_body, respond
from gateway.responses.bodies import Answer, problem
from gateway.store.merges import Merge
from gateway.wording import Text

__all__ = ["planned", "routes"]

routes = web.RouteTableDef()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@routes.post("/control/duplicates/link")
async def link(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request, "customer", "member")
    events = request.app[CORE].linking.link(asked["customer"], asked["member"])
    return await stream(request, events)


@routes.post("/control/duplicates/unlink")
async def unlink(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request, "customer")
    events = request.app[CORE].linking.unlink(
        asked["customer"], new_member=bool(asked.get("new_member", True))
    )
    return await stream(request, events)


@routes.post("/control/duplicates/merge")
async def merge(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request, "one", "other")
    events = request.app[CORE].member_merge.merge(
        asked["one"],
        asked["other"],
        asked.get("survivor"),
        points_settled=bool(asked.get("points_settled")),
    )
    return await stream(request, events)


async def _asked(request: web.Request, *ids: str) -> dict[str, Any]:
    """The body; each of `ids`, and a survivor where there is one, is a positive number."""
    try:
        body = parse_json(await read_body(request))
    except NotJsonError as error:
        raise _wrong(str(error)) from None
    given = dict(body)
    optional = ("survivor",) if given.get("survivor") is not None else ()
    for name in (*ids, *optional):
        value = given.get(name)
        if type(value) is not int or not 0 < value < 1 << 63:
            raise _wrong(f"{name}: should be an id")
    return given


def _wrong(detail: str) -> web.HTTPUnprocessableEntity:
    return web.HTTPUnprocessableEntity(
        body=problem(422, "invalid-data", Text.english(detail)).body,
        content_type="application/problem+json",
    )


@routes.post("/control/duplicates/unlink/look")
async def look_at_link(request: web.Request) -> web.StreamResponse:
    """What an unlinking would do, as `lines`; else why not, in `text`, with `code`."""
    asked, core = await _asked(request, "customer"), request.app[CORE]
    new_member = bool(asked.get("new_member", True))
    try:
        lines = await core.linking.would_unlink(asked["customer"], new_member=new_member)
        body = {"code": 0, "lines": lines}
    except CommandRefused as error:
        body = {"code": 2, "text": str(error)}
    except UpstreamError as error:
        body = {"code": 1, "text": f"{error.system} cannot be read: {error}."}
    return respond(Answer(200, orjson.dumps(body)))


@routes.post("/control/duplicates/merge/look")
async def look(request: web.Request) -> web.StreamResponse:
    """What a merge would do: `code` 0 with both members as they are; else why not, in `text`."""
    asked, core = await _asked(request, "one", "other"), request.app[CORE]
    try:
        found = await core.member_merge.look(asked["one"], asked["other"], asked.get("survivor"))
        if isinstance(found, Merge):
            body = _begun(found)
        else:
            body = await planned(core, found, asked["one"])
    except CommandRefused as error:
        body = {"code": 2, "text": str(error)}
    except UpstreamError as error:
        body = {"code": 1, "text": f"{error.system} cannot be read: {error}."}
    return respond(Answer(200, orjson.dumps(body)))


def _begun(merge: Merge) -> dict[str, Any]:
    return {
        "code": 0,
        "begun": merge.step,
        "survivor": merge.survivor,
        "absorbed": merge.absorbed,
        "points": merge.points,
    }


async def planned(core: Core, plan: Plan, first: int) -> dict[str, Any]:
    survivor, absorbed = plan.survivor, plan.absorbed
    pair = (survivor, absorbed) if survivor.member_id == first else (absorbed, survivor)
    customers = await core.shopify.read(s.customer_id for s in pair if s.customer_id)
    one, other = (core.smaregi.as_member(customers.get(s.customer_id or 0)) for s in pair)
    return {
        "code": 0,
        "survivor": survivor.member_id,
        "absorbed": absorbed.member_id,
        "why": plan.why,
        "points": absorbed.points,
        "balance": survivor.points,
        "moves_link": plan.moves_link,
        "members": [side.member_id for side in pair],
        "shopify_customer_ids": [gid(s.customer_id) if s.customer_id else None for s in pair],
        "fields": [
            {"field": c.field, "values": c.values, "online": c.online, "mark": c.likeness}
            for c in compare((pair[0].row, pair[1].row), (one, other))
        ],
    }
