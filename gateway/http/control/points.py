"""Points earned and spent online, for the commands of this machine and the console."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway.customer import gid
from gateway.errors import CommandRefused
from gateway.http.control.body import body_of
from gateway.http.control.stream import stream
from gateway.http.forms.delivery_filter import seconds_of
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, iso
from gateway.store.points import (
    Movement,
    PointOrder,
    Reservation,
    drift,
    movements,
    orders,
    reservations,
)
from gateway.store.points.drift import Drift

__all__ = ["routes"]

routes = web.RouteTableDef()

_OF_CUSTOMER = 200
_LARGEST = 2**63


@routes.get("/control/points/orders")
async def list_orders(request: web.Request) -> web.Response:
    """By rising id: `state`, `lacking`, `after`, `limit`."""
    query = request.query
    after, limit = _number(query, "after", 0), min(max(_number(query, "limit", 1000), 1), 1000)
    state, lacking = query.get("state"), query.get("lacking") == "true"
    found = await request.app[CORE].db.read(
        lambda db: orders.listed(db, state, after, limit, lacking=lacking)
    )
    return _json({"orders": [order_row(each) for each in found]})


@routes.get("/control/points/movements")
async def list_movements(request: web.Request) -> web.Response:
    """Open ones by rising id: `after`, `limit`."""
    query = request.query
    after, limit = _number(query, "after", 0), min(max(_number(query, "limit", 1000), 1), 1000)
    found = await request.app[CORE].db.read(
        lambda db: movements.listed(db, ("owed", "sent", "stuck"), after, limit)
    )
    return _json({"movements": [movement_row(each) for each in found]})


@routes.get("/control/points/reservations")
async def list_reservations(request: web.Request) -> web.Response:
    """By rising id: `state`, `lacking`, `after`, `limit`."""
    query = request.query
    after, limit = _number(query, "after", 0), min(max(_number(query, "limit", 1000), 1), 1000)
    state, lacking = query.get("state"), query.get("lacking") == "true"
    found = await request.app[CORE].db.read(
        lambda db: reservations.listed(db, state, after, limit, lacking=lacking)
    )
    return _json({"reservations": [reservation_row(each) for each in found]})


@routes.get("/control/points/show")
async def show(request: web.Request) -> web.Response:
    """The order with this id and the reservations that it used, and else all of the customer with
    it; newest first.
    """
    number = _number(request.query, "id", 0)
    core = request.app[CORE]
    one = await core.db.read(lambda db: orders.get(db, number))
    found = (
        [one]
        if one is not None
        else await core.db.read(lambda db: orders.of_customer(db, number, _OF_CUSTOMER))
    )
    rows = []
    for each in found:
        own = await core.db.read(partial(movements.of_order, order_id=each.order_id))
        rows.append({**order_row(each), "movements": [movement_row(one) for one in own]})
    held = await core.db.read(
        lambda db: (
            reservations.touching(db, number, ())
            or reservations.of_customer(db, number, _OF_CUSTOMER)
        )
    )
    reserved = []
    for reservation in held:
        own = await core.db.read(partial(movements.of_reservation, reservation_id=reservation.id))
        moved = [movement_row(one) for one in own]
        reserved.append({**reservation_row(reservation), "movements": moved})
    return _json({"orders": rows, "reservations": reserved})


@routes.post("/control/points/settle")
async def settle(request: web.Request) -> web.Response:
    body = await body_of(request)
    movement_id, done = body.get("id"), body.get("done")
    if type(movement_id) is not int or not isinstance(done, bool):
        raise CommandRefused("id and done: should be a movement's id, and true or false")
    await request.app[CORE].points.settle(movement_id, done=done)
    return _json({})


@routes.post("/control/points/backfill")
async def backfill(request: web.Request) -> web.StreamResponse:
    body, core = await body_of(request), request.app[CORE]
    since, until = _moment(body.get("since")), _moment(body.get("until"))
    if since is None:
        raise CommandRefused("since: should be a time, such as 2026-11-21T09:00Z")
    refusal = core.points.refuses_backfill(dry_run=bool(body.get("dry_run")))
    if refusal is not None:
        raise CommandRefused(refusal)
    now = core.runtime.clock()
    events = core.points.backfill(since, until or now, dry_run=bool(body.get("dry_run")))
    return await stream(request, events)


@routes.get("/control/points/drift")
async def list_drift(request: web.Request) -> web.Response:
    found = await request.app[CORE].db.read(drift.listed)
    return _json({"drift": [_drift_row(each) for each in found]})


@routes.post("/control/points/drift")
async def forget_drift(request: web.Request) -> web.Response:
    heads = (await body_of(request)).get("heads")
    if not isinstance(heads, list) or any(not isinstance(each, str) for each in heads):
        raise CommandRefused("heads: should be the ids of transactions")
    return _json({"count": await request.app[CORE].points.forget_drift(heads)})


def order_row(order: PointOrder) -> dict[str, Any]:
    customer = order.customer_id
    return {
        "order_id": order.order_id,
        "shopify_customer_id": gid(customer) if customer is not None else None,
        "member_id": order.member_id,
        "state": order.state,
        "reason": order.reason or None,
        "points": order.target,
        "lacking": order.lacking,
        "error_class": order.error_class,
        "message": order.message,
        "made_at": iso(order.made_at),
        "updated_at": iso(order.updated_at),
    }


def reservation_row(one: Reservation) -> dict[str, Any]:
    """Without its code, which is worth money."""
    return {
        "reservation_id": one.id,
        "shopify_customer_id": gid(one.customer_id),
        "member_id": one.member_id,
        "state": one.state,
        "points": one.points,
        "amount": one.yen,
        "lacking": one.lacking,
        "error_class": one.error_class,
        "message": one.message,
        "expires_at": iso(one.expires_at),
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
    }


def movement_row(one: Movement) -> dict[str, Any]:
    return {
        "id": one.id,
        "order_id": one.order_id,
        "reservation_id": one.reservation_id,
        "member_id": one.member_id,
        "points": one.points,
        "state": one.state,
        "uuid": one.uuid,
        "transaction": one.head_id,
        "attempts": one.attempts,
        "message": one.message,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
    }


def _drift_row(each: Drift) -> dict[str, Any]:
    return {
        "transaction": each.head_id,
        "kind": each.kind,
        "uuid": each.uuid,
        "member_id": each.member_id,
        "points": each.points,
        "movement_id": each.movement_id,
        "found_at": iso(each.found_at),
    }


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or int(text) >= _LARGEST:
        raise CommandRefused(f"{name}: should be a number")
    return int(text)


def _moment(text: Any) -> float | None:
    """Unix seconds; without an offset it is UTC. Refused if it is no time."""
    try:
        return None if text is None else seconds_of(str(text))
    except ValueError:
        raise CommandRefused(f"{text}: should be a time, such as 2026-11-21T09:00Z") from None


def _json(body: dict[str, Any]) -> web.Response:
    return respond(Answer(200, orjson.dumps(body)))
