"""GET /v1/customers/{shopify_customer_id}/points and …/card.svg."""

import orjson
from aiohttp import web

from flags import Mode
from gateway.card import FORMATS, is_scannable, svg
from gateway.customer import numeric_id
from gateway.errors import EmailNotProven, UpstreamError
from gateway.http.caching import cacheable
from gateway.http.customers import CUSTOMER
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, problem
from gateway.responses.problems import waiting_time
from gateway.wording import UNAVAILABLE, Detail, Fault

__all__ = ["customer_id_of", "not_proven", "routes"]

routes = web.RouteTableDef()

_CARD_SECONDS = 300


@routes.get(CUSTOMER + "/points")
async def points(request: web.Request) -> web.Response:
    core = request.app[CORE]
    customer_id = customer_id_of(request)
    if core.live.current.flags["smaregi"].mode is Mode.OFF:
        return respond(problem(404, "no-member", Detail.POINTS_OFF))
    try:
        balance = await core.membership.points(customer_id) if customer_id else None
    except EmailNotProven:
        return respond(not_proven())
    except UpstreamError as error:
        return respond(_unavailable(error))
    if balance is None:
        return respond(problem(404, "no-member", Detail.NO_MEMBER))
    body = {
        "points": balance.points,
        "expires_on": balance.expires_on,
        "member_number": balance.member_number,
    }
    return respond(Answer(200, orjson.dumps(body), {"Cache-Control": "no-store"}))


@routes.get(CUSTOMER + "/card.svg")
async def card(request: web.Request) -> web.Response:
    form = request.query.get("format", "code128")
    if form not in FORMATS:
        wrong = Fault.CHOICE.at("format", choices=", ".join(FORMATS))
        return respond(problem(422, "invalid-data", Detail.NO_SUCH_CARD, errors=[wrong]))
    customer_id = customer_id_of(request)
    try:
        number = await request.app[CORE].membership.number(customer_id) if customer_id else None
    except EmailNotProven:
        return respond(not_proven())
    if number is None or not is_scannable(number):
        return respond(problem(404, "no-card", Detail.NO_CARD))
    picture = svg(number, form)
    return cacheable(request, picture, "image/svg+xml; charset=utf-8", _CARD_SECONDS)


def customer_id_of(request: web.Request) -> int | None:
    """None if it is not a customer id: there is no such customer."""
    try:
        customer_id = numeric_id(request.match_info["shopify_customer_id"])
    except ValueError:
        return None
    return customer_id if customer_id < 2**63 else None


def not_proven() -> Answer:
    return problem(403, "email-not-proven", Detail.NOT_PROVEN)


def _unavailable(error: UpstreamError) -> Answer:
    detail, wait = UNAVAILABLE["points"][error.error_class], waiting_time(error, 3.0)
    return problem(503, "points-unavailable", detail, retry_after=wait)
