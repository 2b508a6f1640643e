"""GET /v1/customers/{id}/points and /v1/customers/{id}/card.svg."""

import hashlib

import orjson
from aiohttp import ETag, web

from flags import Mode
from gateway.card import FORMATS, is_scannable, svg
from gateway.customer import numeric_id
from gateway.errors import EmailNotProven, ErrorClass, UpstreamError
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, problem

__all__ = ["routes"]

routes = web.RouteTableDef()

_CARD_SECONDS = 300


@routes.get("/v1/customers/{id:.+}/points")
async def points(request: web.Request) -> web.Response:
    core = request.app[CORE]
    customer_id = _customer_id(request)
    if core.live.current.flags["smaregi"].mode is Mode.OFF:
        return respond(problem(404, "no-member", "FLAG_SMAREGI is off: no points are kept."))
    try:
        balance = await core.membership.points(customer_id) if customer_id else None
    except EmailNotProven:
        return respond(_not_proven())
    except UpstreamError as error:
        return respond(_unavailable(error))
    if balance is None:
        return respond(problem(404, "no-member", "This customer is no member of the store yet."))
    body = {
        "points": balance.points,
        "expires_on": balance.expires_on,
        "member_number": balance.member_number,
    }
    return respond(Answer(200, orjson.dumps(body), {"Cache-Control": "no-store"}))


@routes.get("/v1/customers/{id:.+}/card.svg")
async def card(request: web.Request) -> web.Response:
    form = request.query.get("format", "code128")
    if form not in FORMATS:
        wrong = {"field": "format", "message": f"should be one of {', '.join(FORMATS)}"}
        return respond(problem(422, "invalid-data", "There is no such card.", errors=[wrong]))
    customer_id = _customer_id(request)
    try:
        number = await request.app[CORE].membership.number(customer_id) if customer_id else None
    except EmailNotProven:
        return respond(_not_proven())
    if number is None or not is_scannable(number):
        text = "No member number is known for this customer."
        return respond(problem(404, "no-card", text))
    return _picture(request, svg(number, form))


def _picture(request: web.Request, body: bytes) -> web.Response:
    """304 for a browser that has it. No cache in between may store it: it is one customer's."""
    tag = ETag(hashlib.sha256(body).hexdigest()[:16])
    known = any(given.value in {tag.value, "*"} for given in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body)
    response.etag = tag
    response.headers["Cache-Control"] = f"private, max-age={_CARD_SECONDS}"
    if not known:
        response.headers["Content-Type"] = "image/svg+xml; charset=utf-8"
    return response


def _customer_id(request: web.Request) -> int | None:
    """None if it is not a customer id: there is no such customer."""
    try:
        customer_id = numeric_id(request.match_info["id"])
    except ValueError:
        return None
    return customer_id if customer_id < 2**63 else None


def _not_proven() -> Answer:
    return problem(
        403,
        "email-not-proven",
        "A store member has this e-mail, and nobody has proven that it is this customer's. Prove "
        'it, then send {"email_verified": true} with a PATCH of the customer; their first sign-in '
        "at Shopify proves it too.",
        title="This e-mail is not proven yet",
    )


def _unavailable(error: UpstreamError) -> Answer:
    return problem(
        503,
        "points-unavailable",
        f"{_REASONS.get(error.error_class, 'The store did not answer properly')}. "
        "Nothing is lost; ask again a little later.",
        title="The points cannot be shown right now",
        retry_after=min(max(error.retry_after or 3.0, 1.0), 300.0),
    )


_REASONS = {
    ErrorClass.CONNECTION: "The store's system cannot be reached",
    ErrorClass.TIMEOUT: "The store's system did not answer in time",
    ErrorClass.RATE_LIMIT: "Too many are asking the store's system at the moment",
    ErrorClass.AUTH: "The store's system refuses the gateway's credentials",
    ErrorClass.UNAVAILABLE: "The store's system is not available",
}
