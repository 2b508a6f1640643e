"""/v1/customers/{shopify_customer_id}/points/reservations: points that a customer spends."""

from aiohttp import web

from gateway.app.identity import SHOP
from gateway.errors import EmailNotProven, UpstreamError
from gateway.http.customers import CUSTOMER
from gateway.http.forms.json_body import NotJsonError, parse_json
from gateway.http.forms.refused import refused_body
from gateway.http.forms.reservation import read_reservation
from gateway.http.forms.wrong_fields import FormError
from gateway.http.keys import CORE
from gateway.http.limiting import too_often
from gateway.http.membership import customer_id_of, not_proven
from gateway.http.middleware import CALLER, read_body, respond
from gateway.http.registrations import idempotency_key
from gateway.points import Asked, Refusal
from gateway.responses.bodies import Answer, problem
from gateway.responses.problems import another_shop, waiting_time
from gateway.responses.reservations import (
    reservation_body,
    reservations_body,
    reserved,
    would_be_reserved,
)
from gateway.wording import UNAVAILABLE, Detail, Fault

__all__ = ["routes"]

routes = web.RouteTableDef()

_RESERVATIONS = CUSTOMER + "/points/reservations"
_HELD_FOR, _STOPPED_FOR = 300.0, 60.0
_DIGITS = 19


@routes.post(_RESERVATIONS)
async def reserve(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        return respond(problem(415, "unsupported-media-type", Detail.SEND_JSON))
    key = idempotency_key(request)
    if isinstance(key, Answer):
        return respond(key)
    if refusal := too_often(request):
        return respond(refusal)
    raw = await read_body(request)
    try:
        points = read_reservation(parse_json(raw))
    except (NotJsonError, FormError) as error:
        return respond(refused_body(error))
    customer_id = customer_id_of(request)
    if customer_id is None:
        return respond(problem(404, "no-member", Detail.NO_MEMBER))
    own_key = f"{request[CALLER]}:{key}" if key else None
    return respond(await _answer(request, Asked(customer_id, points, own_key)))


async def _answer(request: web.Request, asked: Asked) -> Answer:
    core = request.app[CORE]
    if core.identities.difference(SHOP):
        return another_shop()
    try:
        result = await core.points.reserving.reserve(asked)
    except EmailNotProven:
        return not_proven()
    except UpstreamError as error:
        return _unavailable(error)
    if isinstance(result, Refusal):
        return _refused(result)
    if result.one is None:
        return would_be_reserved(asked.points, result.yen)
    path = f"/v1/customers/{asked.customer_id}/points/reservations"
    return reserved(result.one, path, again=result.again)


def _refused(refusal: Refusal) -> Answer:
    number = refusal.number
    match refusal.why:
        case "off":
            return problem(404, "spending-off", Detail.SPENDING_OFF)
        case "no_member" | "no_customer":
            return problem(404, "no-member", Detail.NO_MEMBER)
        case "unit":
            wrong = Fault.MULTIPLE.at("points", unit=number)
            return problem(422, "invalid-data", Detail.FIELDS_WRONG, errors=[wrong])
        case "insufficient":
            return problem(409, "insufficient-points", Detail.TOO_FEW_POINTS, balance=number)
        case "active":
            return problem(
                409, "reservation-active", Detail.RESERVATION_ACTIVE, reservation_id=number
            )
        case "too_many":
            return problem(429, "too-many-requests", Detail.RESERVED_TOO_OFTEN, retry_after=number)
        case "key_reused":
            return problem(422, "idempotency-key-reused", Detail.KEY_REUSED)
        case "held":
            return problem(503, "points-unavailable", Detail.SPENDING_HELD, retry_after=_HELD_FOR)
        case "ended":
            return problem(503, "points-unavailable", Detail.NO_CODE, retry_after=_STOPPED_FOR)
        case "stopped":
            return problem(
                503, "points-unavailable", Detail.SPENDING_STOPPED, retry_after=_STOPPED_FOR
            )


def _unavailable(error: UpstreamError) -> Answer:
    detail = UNAVAILABLE["change" if error.system == "shopify" else "points"][error.error_class]
    return problem(503, "points-unavailable", detail, retry_after=waiting_time(error, 3.0))


@routes.get(_RESERVATIONS)
async def newest(request: web.Request) -> web.Response:
    core, customer_id = request.app[CORE], customer_id_of(request)
    found = [] if customer_id is None else await core.points.reserving.newest(customer_id)
    return respond(reservations_body(found))


@routes.get(_RESERVATIONS + "/{id}")
async def show(request: web.Request) -> web.Response:
    found = await request.app[CORE].points.reserving.show(*_ids(request))
    return respond(_NOWHERE if found is None else reservation_body(found))


@routes.delete(_RESERVATIONS + "/{id}")
async def close(request: web.Request) -> web.Response:
    found = await request.app[CORE].points.reserving.close(*_ids(request))
    if found is None:
        return respond(_NOWHERE)
    if found.state == "used":
        return respond(problem(409, "reservation-used", Detail.RESERVATION_USED))
    return respond(reservation_body(found))


_NOWHERE = problem(404, "not-found", Detail.NO_RESERVATION)


def _ids(request: web.Request) -> tuple[int, int]:
    """Customer and reservation; 0, which nothing has, for what is no id."""
    text = request.match_info["id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else 0
    return customer_id_of(request) or 0, number
